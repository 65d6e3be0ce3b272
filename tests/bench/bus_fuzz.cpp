// Calls the service's bus object with nonsense: known and unknown methods, arguments of random types and contents, well
// formed as messages, because the bus itself drops others. Prints how many answers of each kind came. The seed makes a
// run repeatable.
// Usage: hostsplit-bus-fuzz COUNT SEED     (any user; what may not be done is refused, as it should be)
//        hostsplit-bus-fuzz --big text|words|configuration COUNT    (each as large as the bus lets through)
#include <systemd/sd-bus.h>

#include <array>
#include <cstdlib>
#include <iostream>
#include <map>
#include <random>
#include <string>

namespace {

using Random = std::mt19937;

std::size_t below(Random& random, std::size_t limit) {
  return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random);
}

std::string random_text(Random& random) {
  static const std::array<std::string, 12> odd{"",
                                               "apply",
                                               "undo",
                                               "repair",
                                               "../../etc/passwd",
                                               "no-such-port",
                                               "%s%n",
                                               "\xc3\xa9\xe2\x82\xac",
                                               "\n\n",
                                               "\"\\",
                                               "0000:00:00.0",
                                               "{\"verb\":\"apply\"}"};
  if (below(random, 8) == 0) return std::string(below(random, 100000), 'x');
  return odd[below(random, odd.size())];
}

/// Appends one complete random value; deep structures stop at `depth`.
void append(sd_bus_message* call, Random& random, int depth) {
  switch (below(random, depth > 0 ? 9 : 6)) {
    case 0: (void)sd_bus_message_append(call, "s", random_text(random).c_str()); return;
    case 1: (void)sd_bus_message_append(call, "u", static_cast<std::uint32_t>(random())); return;
    case 2: (void)sd_bus_message_append(call, "b", below(random, 2)); return;
    case 3: (void)sd_bus_message_append(call, "x", static_cast<std::int64_t>(random())); return;
    case 4: (void)sd_bus_message_append(call, "d", 1e308); return;
    case 5: (void)sd_bus_message_append(call, "o", "/a/b"); return;
    case 6:
      (void)sd_bus_message_open_container(call, 'a', "s");
      for (auto i = below(random, 200); i > 0; --i) (void)sd_bus_message_append(call, "s", random_text(random).c_str());
      (void)sd_bus_message_close_container(call);
      return;
    case 7:
      (void)sd_bus_message_open_container(call, 'v', "as");
      (void)sd_bus_message_append(call, "as", 1, "in a variant");
      (void)sd_bus_message_close_container(call);
      return;
    default: append(call, random, depth - 1); append(call, random, depth - 1);
  }
}

/// The arguments a method wants, with random contents: these get past the check of types.
void append_right(sd_bus_message* call, Random& random, const std::string& types) {
  if (types == "sasb") {
    (void)sd_bus_message_append(call, "s", random_text(random).c_str());
    (void)sd_bus_message_append(call, "as", 2, random_text(random).c_str(), random_text(random).c_str());
    (void)sd_bus_message_append(call, "b", 1);
  } else if (types == "as") {
    (void)sd_bus_message_append(call, "as", 2, random_text(random).c_str(), random_text(random).c_str());
  } else if (types == "u") {
    (void)sd_bus_message_append(call, "u", static_cast<std::uint32_t>(random()));
  } else {
    for (std::size_t i = 0; i < types.size(); ++i) (void)sd_bus_message_append(call, "s", random_text(random).c_str());
  }
}

struct Method {
  const char *name, *types;
};
// "Apply" and "Undo" with the right types would be done if root asks; a token nobody was shown is refused.
constexpr std::array methods{Method{"Describe", ""},        Method{"Plan", ""},         Method{"Preview", "sasb"},
                             Method{"ListPorts", ""},       Method{"ListPools", ""},    Method{"ListFindings", ""},
                             Method{"Cancel", "u"},         Method{"RenamePort", "ss"}, Method{"ForgetPort", "s"},
                             Method{"Learn", "as"},         Method{"StopLearning", ""}, Method{"Reload", ""},
                             Method{"ListControllers", ""}, Method{"Dance", "s"}};

/// Counts of answers by kind.
using Answers = std::map<std::string, int>;

sd_bus_message* new_call(sd_bus* bus, const char* method) {
  sd_bus_message* call = nullptr;
  (void)sd_bus_message_new_method_call(bus, &call, "org.hostsplit", "/org/hostsplit", "org.hostsplit.Manager1", method);
  return call;
}

void send(sd_bus* bus, sd_bus_message* call, Answers& answers) {
  sd_bus_error error = SD_BUS_ERROR_NULL;
  sd_bus_message* reply = nullptr;
  const int result = sd_bus_call(bus, call, 60'000'000, &error, &reply);
  ++answers[result >= 0 ? "answered" : error.name != nullptr ? error.name : "no answer"];
  sd_bus_error_free(&error);
  sd_bus_message_unref(reply);
  sd_bus_message_unref(call);
}

// dbus-daemon(1): a message on the system bus has at most 32 MiB.
constexpr std::size_t largest = 31'000'000;

/// A Preview of that size: one word, as many as possible, or a configuration.
sd_bus_message* big_preview(sd_bus* bus, const std::string& shape) {
  sd_bus_message* call = new_call(bus, "Preview");
  (void)sd_bus_message_append(call, "s", "take");
  (void)sd_bus_message_open_container(call, 'a', "s");
  const std::string text(shape == "text" ? largest : 1, 'x');
  // A short text takes 8 bytes: its length, itself, its end, padding.
  const std::size_t count = shape == "text" ? 1 : shape == "words" ? largest / 8 : 0;
  for (std::size_t i = 0; i < count; ++i) (void)sd_bus_message_append_basic(call, 's', text.c_str());
  (void)sd_bus_message_close_container(call);
  const std::string configuration(shape == "configuration" ? largest : 0, '#');
  (void)sd_bus_message_append(call, "sb", configuration.c_str(), 0);
  return call;
}

void fuzz(sd_bus* bus, long count, Random random, Answers& answers) {
  for (; count > 0; --count) {
    const auto& method = methods[below(random, methods.size())];
    sd_bus_message* call = new_call(bus, method.name);
    if (below(random, 2) == 0)
      append_right(call, random, method.types);
    else
      append(call, random, 3);
    send(bus, call, answers);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const bool big = argc == 4 && std::string(argv[1]) == "--big";
  if (argc != 3 && !big) return std::cerr << "usage: hostsplit-bus-fuzz COUNT SEED | --big SHAPE COUNT\n", 2;
  sd_bus* bus = nullptr;
  if (sd_bus_open_system(&bus) < 0) return std::cerr << "hostsplit-bus-fuzz: no bus\n", 1;
  Answers answers;
  if (big)
    for (long i = std::atol(argv[3]); i > 0; --i) send(bus, big_preview(bus, argv[2]), answers);
  else
    fuzz(bus, std::atol(argv[1]), Random(static_cast<unsigned>(std::atol(argv[2]))), answers);
  for (const auto& [name, count] : answers) std::cout << count << " " << name << "\n";
  sd_bus_flush_close_unref(bus);
  return 0;
}
