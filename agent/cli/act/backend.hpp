#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/verbs.hpp"
#include "host/effects/effects.hpp"
#include "operations/report/preview.hpp"
#include "operations/state.hpp"
#include "service/work/worker.hpp"

namespace hostsplit {
class ServiceClient;
}

namespace hostsplit::cli {

/// \return whether the user wants it. \throws Error(bad_input) where nobody can be asked.
bool confirmed(const Options& options, const std::string& verb);

/// One line when a step begins, completed when it ends; and what is waited for.
void print_progress(const WorkProgress& progress);

/// Reports how it went. \return an Exit. \throws Error where it could not be begun.
int print_result(const Options& options, const WorkResult& result);

/// Who acts: the service where it runs, or this process, which then has to be root.
class Backend {
 public:
  /// \throws Error(bad_input) where neither can.
  Backend(const Root& root, const Request& request);
  ~Backend();

  /// What the request comes to. Root reads by itself, everybody else is told by the service, which may read everything.
  Preview preview(const Request& request, const Paint& paint);
  /// What is to be changed in Proxmox VE; read here and not by the service, which must not hang with pmxcfs.
  std::vector<Finding> advice() const;
  /// \throws Error(bad_input) where nothing can be done at all: on a recorded machine.
  void get_ready();
  /// The first Ctrl-C leaves the steps that have not begun; the second ends the program at once.
  WorkResult run(const WorkRequest& request, const ReportProgress& report);

 private:
  const Root& root_;
  std::unique_ptr<ServiceClient> service_;
  std::optional<LiveEffects> effects_;
  std::optional<State> state_;  ///< the preview was made of
};

}  // namespace hostsplit::cli
