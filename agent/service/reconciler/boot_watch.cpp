#include "service/reconciler/boot_watch.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/base/error.hpp"
#include "core/base/names.hpp"
#include "core/boot/boot_count.hpp"
#include "core/boot/kernel_parameters.hpp"

namespace hostsplit {

void BootWatch::observe(State& state) {
  why_off_ = has_word(state.snapshot.command_line, off_word) ? "hostsplit=off on the kernel command line"
                                                             : why_suspended(state.health);
  if (!begun_) begin(state);
}

void BootWatch::begin(State& state) {
  begun_ = true;
  if (off() || !state.applied) return;
  try {
    note_first_look(context_, state, names::first_look_service);
    state.health = begin_boot(context_);
    why_off_ = why_suspended(state.health);
  } catch (const Error& error) {
    begun_ = false;
    why_off_ = error.what();
  }
}

std::optional<AuditRecord> BootWatch::check(State& state, HealthSigns signs) {
  if (checked(state)) return {};
  const auto& uses = state.snapshot.uses;
  signs.network = std::any_of(uses.begin(), uses.end(),
                              [](const HostUse& use) { return use.kind == UseKind::network && use.lifeline; });
  const BootHealth before = state.health.health.value_or(BootHealth{});
  if (!why_not_healthy(signs, before).empty()) return {};
  if (const auto& count = state.snapshot.boot.count; count && !count->begun.empty() && !gave_up(state.snapshot))
    context_.effects.overwrite_file(count->path, no_boots_begun());
  loader_checked_ = true;
  if (off()) return {};
  checked_ = true;
  return forget_unhealthy(state, before, signs.network);
}

std::optional<AuditRecord> BootWatch::forget_unhealthy(State& state, const BootHealth& before, bool network) {
  const BootHealth good{0, state.snapshot.boot_id.empty() ? before.boot_id : state.snapshot.boot_id, network};
  if (good == before) return {};
  context_.effects.replace_file(names::boot_health_file, to_text(good));
  state.health.health = good;
  AuditRecord record;
  record.event = "health";
  record.result = "seen";
  record.from = std::to_string(before.begun);
  record.to = "0";
  record.message = fmt::format("the host is healthy after this boot; {} not yet found so are forgotten", before.begun);
  return record;
}

}  // namespace hostsplit
