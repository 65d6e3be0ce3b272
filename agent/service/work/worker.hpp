#pragma once
#include <functional>

#include "operations/carry_out.hpp"
#include "service/work/protocol.hpp"

namespace hostsplit {

/// Where progress is reported.
using ReportProgress = std::function<void(const WorkProgress&)>;

/// Steps of a plan as they are reported.
Progress reported_by(const ReportProgress& report);
/// What is waited for as the progress of a step 0; its detail is the time.
Waiting waiting_reported_by(const ReportProgress& report);

/// Does what was asked, once. Never throws: what kept it from being done is in the result.
/// \param lost  how many audit records the context's sink has lost so far
WorkResult do_work(const Context& context, const WorkRequest& request, const ReportProgress& report,
                   const std::function<unsigned()>& lost);

/// Serves the requests of one connection until its other end closes. Whoever asked may be gone by the end: the work is
/// finished all the same. SIGTERM leaves the steps that have not begun. \return exit status of the process.
int serve_work(const Root& root, int connection);

}  // namespace hostsplit
