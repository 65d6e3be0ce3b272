// `hostsplit learn` on a fake host, for tests/learn_screen.py and tests/learn_web.py:
// hostsplit-fake-learn DIRECTORY [lend] [web=PROGRAM]. Reads what happens to the machine from the pipe
// DIRECTORY/commands, and leaves in DIRECTORY/end how it was at the end.
#include <fcntl.h>
#include <unistd.h>

#include <fstream>
#include <iostream>
#include <optional>
#include <sstream>

#include "cli/act/learn_parts.hpp"
#include "cli/act/learn_screen.hpp"
#include "cli/act/phone_page.hpp"
#include "core/base/error.hpp"
#include "host/store/store.hpp"
#include "support/split_host.hpp"

namespace {

using namespace hostsplit;
using testing::SplitHost;

/// "plug ADDRESS PATH SPEED SERIAL", "keyboard ADDRESS PATH", "unplug ADDRESS PATH", "panel ADDRESS PATH front"
void act(SplitHost& split, const std::string& line) {
  std::istringstream words(line);
  std::string verb, address, path, third, fourth;
  words >> verb >> address >> path >> third >> fourth;
  testing::UsbSpec spec;
  if (verb == "plug") {
    spec.speed = third;
    spec.serial = fourth;
    spec.manufacturer = "SanDisk";
    spec.product = "Ultra";
    split.host.plug(address, path, spec);
  } else if (verb == "keyboard") {
    spec.speed = "12";
    spec.product = "Keyboard";
    spec.keyboard = true;
    split.host.plug(address, path, spec);
  } else if (verb == "unplug") {
    split.host.unplug(address, path, third == "usb3");
  }
}

/// Whole lines of the pipe are carried out.
bool drain(SplitHost& split, int pipe) {
  static std::string rest;
  char buffer[4096];
  bool any = false;
  for (ssize_t count; (count = read(pipe, buffer, sizeof buffer)) > 0;) rest.append(buffer, static_cast<size_t>(count));
  for (std::size_t end; (end = rest.find('\n')) != std::string::npos; any = true) {
    act(split, rest.substr(0, end));
    rest.erase(0, end + 1);
  }
  return any;
}

void write_end(const std::string& directory, const SplitHost& split, cli::LearnEnd end, int count) {
  std::ofstream file(directory + "/end.new");
  file << "end " << (end == cli::LearnEnd::interrupted ? "interrupted" : "done") << "\ncount " << count << "\n";
  for (const char* address : {"0000:03:00.3", "0000:22:00.3", "0000:44:00.1", "0000:44:00.3"})
    file << address << " " << split.driver(address) << "\n";
  for (const auto& port : load_port_map(split.root).ports) file << "port " << port.label << "\n";
  file.close();
  rename((directory + "/end.new").c_str(), (directory + "/end").c_str());
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 2) return 2;
  const std::string directory = arguments[1];
  const int pipe = open((directory + "/commands").c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (pipe < 0) return 2;
  SplitHost split;
  std::string program;
  bool lend = false;
  for (int i = 2; i < count; ++i) {
    const std::string word = arguments[i];
    if (word.starts_with("web=")) program = word.substr(4);
    lend = lend || word == "lend";
  }
  if (lend) {
    split.configure_two_vms();
    split.apply_now();
  }
  cli::note_signals();
  const cli::LearnMachine machine{split.context(), pipe, [&] { return drain(split, pipe); }};
  Lending lending(split.root, [&](const Transfer& transfer) {
    return carry_out(split.context(), transfer).ok() ? "" : "it failed";
  });
  int learned = 0;
  try {
    std::optional<cli::PhonePage> phone;
    if (!program.empty()) phone.emplace(parse_phone_place("127.0.0.1"), program);
    const auto end = cli::LearnScreen::possible()
                         ? cli::learn_on_screen(machine, {}, lending, {}, phone ? &*phone : nullptr, learned)
                         : cli::learn_by_phone(machine, {}, lending, {}, *phone, learned);
    phone.reset();
    std::cout << "given back: " << lending.give_back() << "\n";
    write_end(directory, split, end, learned);
  } catch (const Error& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
  return 0;
}
