#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <thread>

#include "cli/screen.hpp"
#include "cli/verbs.hpp"
#include "core/base/error.hpp"
#include "core/base/printable.hpp"
#include "operations/plug_proof.hpp"
#include "operations/report/verify_report.hpp"

namespace hostsplit::cli {
namespace {

constexpr std::chrono::seconds usual_timeout{60};
/// More than a day, and the deadline would not fit into what counts it.
constexpr double longest_timeout = 86400;

/// The question and how long it has waited, on standard error: standard output is for the result.
class Person {
 public:
  explicit Person(std::chrono::seconds timeout) : timeout_(timeout) {}

  void ask(const GivenSocket& socket) {
    done();
    std::cerr << fmt::format(
                     "Plug a USB stick into {} now. If one is in it, pull it, wait five seconds and plug it again.",
                     printable(socket.label))
              << std::endl;
  }
  void waiting(std::chrono::seconds passed) {
    if (!screen_) return;
    line_ = fmt::format("Looking at host and VMs: {} s of {} ", passed.count(), timeout_.count());
    std::cerr << '\r' << line_ << std::flush;
  }
  /// Takes the line off the screen.
  void done() {
    if (!line_.empty()) std::cerr << '\r' << std::string(line_.size(), ' ') << '\r' << std::flush;
    line_.clear();
  }

 private:
  std::chrono::seconds timeout_;
  bool screen_ = isatty(STDERR_FILENO) == 1;
  std::string line_;
};

void require_live_root(const Root& root) {
  if (!root.live())
    throw Error("verify", "a plug", "a recorded machine has no sockets",
                "Run it on the machine itself, without --root.", Error::Kind::bad_input);
  if (geteuid() != 0)
    throw Error("verify", "a plug", "asking the guest agents of VMs needs root", "Run it with sudo.",
                Error::Kind::bad_input);
}

}  // namespace

int plug_verb(const Options& options) {
  const Root root(options.root);
  require_live_root(root);
  const auto socket = given_socket(root, options.plug);
  PlugScene scene;
  if (options.timeout > 0)
    scene.timeout = std::chrono::seconds(std::lround(std::ceil(std::min(options.timeout, longest_timeout))));
  else
    scene.timeout = usual_timeout;
  Person person(scene.timeout);
  scene.ask = program_output;
  scene.plug_now = [&](const GivenSocket& given) { person.ask(given); };
  scene.waiting = [&](std::chrono::seconds passed) { person.waiting(passed); };
  scene.now = [] { return std::chrono::steady_clock::now(); };
  scene.pause = [](std::chrono::milliseconds time) { std::this_thread::sleep_for(time); };
  person.waiting({});  // the agents of the VMs are asked before the person is
  const PlugProof proof = prove_plug(root, socket, scene);
  person.done();
  if (options.json)
    std::cout << plug_json(proof);
  else
    show(plug_text(proof, Paint::for_stdout()));
  if (proof.wrong()) return Exit::findings;
  return proof.proven() ? Exit::fine : Exit::failed;
}

}  // namespace hostsplit::cli
