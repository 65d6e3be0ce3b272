#pragma once
#include <string>
#include <vector>

#include "core/base/finding.hpp"
#include "host/system/root.hpp"

namespace hostsplit::cli {

/// Exit codes, stable.
enum Exit : int { fine = 0, failed = 1, bad_usage = 2, findings = 3, something_to_do = 4 };

/// What --web stands for where no address is given with it.
inline constexpr const char* any_web_place = "default-route";

/// What the command line said. One flat struct: each verb reads what it declared.
struct Options {
  RootPlace root;
  std::string log_level = "info";
  bool json = false;
  bool yes = false;
  bool check = false;
  bool dry_run = false;
  bool fresh = false;
  bool force = false;
  bool write = false;
  bool remove = false;
  bool verbose = false;
  bool watch = false;
  bool svg = false;
  bool html = false;
  bool panel = false;
  bool no_scrub = false;
  double timeout = 0;  ///< seconds; 0: none
  std::string web;     ///< --web of learn: ADDRESS[:PORT], or any_web_place; empty: no page
  std::vector<std::string> labels;
  std::vector<std::string> vms;    ///< --vm of setup, each as it was written
  std::vector<std::string> words;  ///< positional words of the verb
};

/// Verbs that look. Each returns an Exit.
int status_verb(const Options& options);
int plan_verb(const Options& options);
int ports_verb(const Options& options);
int verify_verb(const Options& options);
int doctor_verb(const Options& options);
int log_verb(const Options& options);
int map_verb(const Options& options);
int snapshot_verb(const Options& options);
int export_ports_verb(const Options& options);
/// What `setup` shows where it does not act: with --dry-run, or on a recorded machine.
int setup_rehearsal(const Options& options);
bool setup_acts(const Options& options);

/// \throws Error(bad_input) that names the verb, unless the process is root or the root is a recorded machine.
void require_root_user(const std::string& verb, const Root& root);
/// 3 if there are errors among the findings, else 0.
int exit_for(const std::vector<Finding>& found);

}  // namespace hostsplit::cli
