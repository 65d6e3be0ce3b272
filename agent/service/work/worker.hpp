#pragma once
#include <functional>

#include "operations/operations.hpp"
#include "service/work/protocol.hpp"
#include "operations/report/colour.hpp"

namespace hostsplit {

/// \throws Error(bad_input) for an unknown verb and for damaged files.
Preview preview(const Root& root, const WorkRequest& request, const Paint& paint);

/// Progress of a plan of `total` steps, told with numbers.
Progress numbered(std::size_t total, const std::function<void(const WorkProgress&)>& tell);

/// Tells what is waited for as the progress of a step 0 of `total`; its detail is the time.
Waiting told_by(const std::function<void(const WorkProgress&)>& tell, std::size_t total);

/// Does what was asked, once. Never throws: what kept it from being done is in the result.
/// \param lost  how many audit records the actor's sink has lost so far
WorkResult do_work(const Actor& actor, const WorkRequest& request, const std::function<void(const WorkProgress&)>& tell,
                   const std::function<unsigned()>& lost);

/// Serves the requests of one connection until its other end closes. Whoever asked may be gone by the end: the work is
/// finished all the same. SIGTERM leaves the steps that have not begun. \return exit status of the process.
int serve_work(const Root& root, int connection);

}  // namespace hostsplit
