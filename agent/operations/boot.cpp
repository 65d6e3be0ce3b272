#include "operations/boot.hpp"

#include "core/base/error.hpp"
#include "core/base/names.hpp"
#include "host/store/store.hpp"

namespace hostsplit {

HealthRecord begin_boot(const Context& context) {
  HealthRecord record = load_boot_health(context.root);
  const auto boot_id = context.root.read(names::boot_id_file).value_or("");
  if (record.damaged || boot_id.empty()) return record;
  const BootHealth counted = boot_begun(record.health.value_or(BootHealth{}), boot_id);
  if (record.health != counted) context.effects.replace_file(names::boot_health_file, to_text(counted));
  record.health = counted;
  return record;
}

void note_first_look(const Context& context, const State& state, const char* file) {
  if (!state.applied || state.snapshot.boot_id.empty() || context.root.exists(file)) return;
  std::string lines;
  for (const auto& claim : present_claims(*state.applied, state.snapshot))
    lines += to_string(claim.address) + " " + state.snapshot.function(claim.address)->driver + "\n";
  try {
    context.effects.replace_file(file, lines);
  } catch (const Error&) {
    // What was not written down is not known, and what is not known does not climb.
  }
}

EarlyBootResult early_boot(const Context& context, const Progress& progress) {
  const HealthRecord health = begin_boot(context);
  if (is_suspended(health)) {
    AuditRecord record;
    record.event = "health";
    record.result = "failed";
    record.reason = why_suspended(health);
    record.message = "hostsplit is suspended on this boot: " + record.reason + ". hostsplit apply ends the suspension";
    context.audit.write(record);
    return {record.reason, carry_out(context, StepAside{}, {}, progress).outcome};
  }
  // Bindings belong to the service, which waits for udev; pages are best taken before memory scatters.
  note_first_look(context, observe_applied(context.root), names::first_look_early);
  return {{}, carry_out(context, EarlyBoot{}, {}, progress).outcome};
}

}  // namespace hostsplit
