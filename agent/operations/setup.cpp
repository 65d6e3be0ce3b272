#include "operations/setup.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "core/base/error.hpp"
#include "core/base/names.hpp"
#include "core/base/number.hpp"
#include "core/base/text.hpp"
#include "formats/toml/config_edit.hpp"
#include "formats/toml/documents.hpp"
#include "host/inventory/inventory.hpp"
#include "operations/advice.hpp"
#include "operations/request.hpp"

namespace hostsplit {
namespace {

bool named(const std::vector<PartWanted>& wishes, int vm) {
  return std::any_of(wishes.begin(), wishes.end(), [&](const PartWanted& wish) { return wish.vm == vm; });
}

/// What a VM has now, as a wish. Once one of its nodes is gone (NPS in the firmware setup, a processor taken out), its
/// nodes are chosen anew: the numbers of the others mean other memory, too.
PartWanted as_it_is(const VmWish& vm, const std::map<int, NumaNode>& nodes) {
  PartWanted wish{vm.id, std::vector<std::string>(), {}, {}};
  for (const auto& port : vm.ports) wish.ports->push_back(port.text);
  Kib memory = 0;
  for (const auto& [node, size] : memory_by_node(vm)) {
    memory += size;
    wish.nodes.insert(node);
  }
  if (memory != 0) wish.memory = memory;
  if (!std::all_of(wish.nodes.begin(), wish.nodes.end(), [&](int node) { return can_hold_guests(nodes, node); }))
    wish.nodes.clear();
  return wish;
}

std::vector<PartWanted> with_others(std::vector<PartWanted> wishes, const std::optional<Config>& config,
                                    const std::map<int, NumaNode>& nodes) {
  if (!config) return wishes;
  for (const auto& [id, vm] : config->vms)
    if (!named(wishes, id)) wishes.push_back(as_it_is(vm, nodes));
  std::sort(wishes.begin(), wishes.end(), [](const auto& a, const auto& b) { return a.vm < b.vm; });
  return wishes;
}

std::vector<GuestChoice> choices(const PveConfigs& pve, const std::vector<int>& proposed) {
  std::vector<GuestChoice> guests;
  for (const auto& [id, vm] : pve.next)
    if (!vm.is_template)
      guests.push_back({id, vm.name, vm.memory.value_or(0), vm.running,
                        std::find(proposed.begin(), proposed.end(), id) != proposed.end()});
  return guests;
}

[[noreturn]] void bad_wish(std::string_view text, const std::string& reason) {
  throw Error("use", fmt::format("\"{}\"", text), reason,
              "Write the VM, its sockets and its memory like 101=front-1,front-2:56GiB; sockets and memory may be left "
              "out.",
              Error::Kind::bad_input);
}

std::vector<std::string> parse_labels(std::string_view all, std::string_view list) {
  std::vector<std::string> labels;
  while (!list.empty()) {
    const auto label = trimmed(cut(list, ','));
    if (!valid_label(label)) bad_wish(all, fmt::format("\"{}\" is not a label", label));
    labels.emplace_back(label);
  }
  return labels;
}

}  // namespace

PartWanted parse_guest_wish(std::string_view text) {
  PartWanted wish;
  std::string_view rest = trimmed(text);
  const auto digits = std::min(rest.find_first_not_of("0123456789"), rest.size());
  const auto id = parse_number<int>(rest.substr(0, digits));
  if (!id || *id < 100 || *id > 999999999) bad_wish(text, "it does not begin with the number of a VM");
  wish.vm = *id;
  rest.remove_prefix(digits);
  if (const auto colon = rest.rfind(':'); colon != std::string_view::npos) {
    const auto size = parse_size(trimmed(rest.substr(colon + 1)));
    if (!size || *size == 0) bad_wish(text, fmt::format("\"{}\" is not a size", trimmed(rest.substr(colon + 1))));
    wish.memory = *size;
    rest = rest.substr(0, colon);
  }
  if (rest.empty()) return wish;
  if (!rest.starts_with('=')) bad_wish(text, "there is no = between the VM and its sockets");
  wish.ports = parse_labels(text, rest.substr(1));
  return wish;
}

std::vector<PartWanted> parse_guest_wishes(const std::vector<std::string>& texts) {
  std::vector<PartWanted> wishes;
  for (const auto& text : texts) {
    wishes.push_back(parse_guest_wish(text));
    const int vm = wishes.back().vm;
    if (std::count_if(wishes.begin(), wishes.end(), [&](const PartWanted& wish) { return wish.vm == vm; }) > 1)
      bad_wish(text, fmt::format("VM {} is given twice", vm));
  }
  return wishes;
}

SetupOffer offer_setup(const Root& root, const std::vector<PartWanted>& wishes, Others others) {
  SetupOffer offer;
  State state = observe_for_setup(root);
  read_topology(root, state.snapshot);
  offer.file = root.display(names::config_file);
  offer.before = root.read_file(names::config_file).value_or("");
  offer.ports = state.ports;
  std::optional<Config> now;
  if (!offer.before.empty()) now = parse_config(offer.before, offer.file);
  offer.set_up = now && !now->vms.empty() && state.applied;
  offer.guests = choices(*state.pve, proposed_guests(*state.pve, now));
  // On a host that is set up, nobody who asks for nothing is bound by what it has.
  const bool anew = wishes.empty() && offer.set_up;
  const auto all = others == Others::keep && !anew ? with_others(wishes, now, state.snapshot.nodes) : wishes;
  if (now && !all.empty()) std::erase_if(now->vms, [&](const auto& vm) { return !named(all, vm.first); });
  offer.proposal = propose({state.snapshot, state.ports, *state.pve, now, all});
  if (!offer.proposal.possible()) return offer;
  Config wanted = proposed_config(offer.proposal, now, state.pve->known);
  if (state.pve->known && !says_guest_policy(offer.before, offer.file)) wanted.guests = GuestPolicy::set;
  offer.after = edit_config(offer.before, offer.file, wanted);
  state.config = parse_config(offer.after, offer.file);
  offer.plan = with_advice(root, state, plan_for(state, Setup{offer.after}));
  return offer;
}

}  // namespace hostsplit
