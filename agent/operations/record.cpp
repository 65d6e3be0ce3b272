#include "operations/record.hpp"

#include <functional>
#include <random>

#include "core/base/error.hpp"
#include "host/recording/recorder.hpp"
#include "operations/advice.hpp"
#include "operations/doctor.hpp"
#include "operations/request.hpp"
#include "operations/setup.hpp"
#include "operations/state.hpp"
#include "operations/verify.hpp"

namespace hostsplit {
namespace {

/// Not read by anybody, but what is in it must not be found anywhere else.
void read_names(const Root& root) {
  for (const char* file : {"etc/hostname", "proc/sys/kernel/hostname", "etc/hosts"}) root.read(file);
}

/// Snapshots are made where something is wrong: what one operation cannot do must not keep the others from looking.
void look(const std::function<void()>& operation) {
  try {
    operation();
  } catch (const std::exception&) {
    return;
  }
}

}  // namespace

Recording record_machine(const RootPlace& place) {
  Recorder recorder(place.directory);
  const Root root(place, &recorder);
  look([&] {
    const State state = observe(root);
    with_advice(root, state, plan_for(state, Apply{}));
  });
  look([&] { diagnose(root); });
  look([&] { verify(root, {}, false); });
  look([&] { offer_setup(root, {}, Others::keep); });
  read_names(root);
  Recording recording;
  recording.entries = recorder.entries();
  return reduced(std::move(recording));
}

Recording scrubbed(const Recording& recording) {
  std::random_device random;
  return scrub(recording, static_cast<std::uint64_t>(random()) << 32 | random());
}

}  // namespace hostsplit
