#include <iostream>

#include "cli/recorded_machine.hpp"
#include "cli/screen.hpp"
#include "cli/verbs.hpp"
#include "operations/carry_out.hpp"
#include "operations/report/colour.hpp"
#include "operations/report/setup_report.hpp"
#include "operations/setup.hpp"

namespace hostsplit::cli {

bool setup_acts(const Options& options) {
  return !options.dry_run && !is_snapshot(options.root) && Root(options.root).live();
}

int setup_rehearsal(const Options& options) {
  const Root root(options.root);
  const SetupOffer offer = offer_setup(root, parse_guest_wishes(options.vms), Others::keep);
  const int code = offer.refused() ? Exit::findings : Exit::fine;
  if (options.json) {
    std::cout << setup_json(offer, false);
    return code;
  }
  show(setup_text(offer, Paint::for_stdout()));
  if (code != Exit::fine || !options.dry_run) return code;
  std::cout << "\nWithout --dry-run it would:\n";
  for (const auto& line : rehearse(root, offer.plan)) std::cout << "  " << line << "\n";
  return code;
}

}  // namespace hostsplit::cli
