#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/base/printable.hpp"
#include "operations/report/json_parts.hpp"
#include "operations/report/report.hpp"
#include "operations/report/table.hpp"
#include "operations/report/verify_report.hpp"

namespace hostsplit {
namespace {

using Json = nlohmann::ordered_json;

std::string word(Verdict::Kind kind, const Paint& paint) {
  switch (kind) {
    case Verdict::Kind::right: return paint.green("right");
    case Verdict::Kind::wrong: return paint.red("WRONG");
    case Verdict::Kind::note: return paint.yellow("note");
    case Verdict::Kind::unknown: return paint.yellow("unknown");
  }
  return "";
}

std::string verdicts_text(const std::vector<Verdict>& verdicts, const Paint& paint) {
  Table table({"", "CHECK", "OF", "FOUND", "WANTED"});
  for (const auto& verdict : verdicts)
    table.add({word(verdict.kind, paint), verdict.check, printable(verdict.subject), printable(verdict.found),
               verdict.wanted.empty() ? "-" : printable(verdict.wanted)});
  std::string text = table.text(2, paint.width);
  for (const auto& verdict : verdicts)
    if (!verdict.remedy.empty())
      text += remedy_text(verdict.remedy, paint.width,
                          fmt::format("  fix for {} of {}: ", verdict.check, printable(verdict.subject)));
  return text;
}

template <class Is>
std::size_t count_verdicts(const Proof& proof, Is is) {
  const auto in = [&](const std::vector<Verdict>& verdicts) {
    return static_cast<std::size_t>(std::count_if(verdicts.begin(), verdicts.end(), is));
  };
  std::size_t number = in(proof.pools);
  for (const auto& guest : proof.guests) number += in(guest.verdicts);
  return number;
}

std::size_t count(const Proof& proof, Verdict::Kind kind) {
  return count_verdicts(proof, [&](const Verdict& verdict) { return verdict.kind == kind; });
}

std::string plural(std::size_t number, const char* what) {
  return fmt::format("{} {}{}", number, what, number == 1 ? "" : "s");
}

/// "VM 101 is not running", "VM 101, VM 102 are not running"; empty when all run.
std::string not_running(const std::vector<const GuestProof*>& stopped) {
  std::string text;
  for (const auto* guest : stopped) text += fmt::format("{}VM {}", text.empty() ? "" : ", ", guest->vm);
  return text.empty() ? text : text + (stopped.size() == 1 ? " is not running" : " are not running");
}

/// The last line where nothing is wrong. A note with a remedy is something to do, and a VM that does not run shows
/// nothing.
std::string nothing_wrong(const Proof& proof, const Paint& paint) {
  std::vector<const GuestProof*> stopped;
  for (const auto& guest : proof.guests)
    if (!guest.pid && guest.wanted) stopped.push_back(&guest);
  const auto unknown = count(proof, Verdict::Kind::unknown);
  const auto notes = count_verdicts(
      proof, [](const Verdict& verdict) { return verdict.kind == Verdict::Kind::note && !verdict.remedy.empty(); });
  const auto warnings = std::count_if(proof.findings.begin(), proof.findings.end(),
                                      [](const Finding& finding) { return finding.severity == Severity::warning; });
  std::vector<std::string> rest;
  if (warnings != 0) rest.push_back(plural(static_cast<std::size_t>(warnings), "warning"));
  if (unknown != 0) rest.push_back(fmt::format("{} could not be checked", unknown));
  if (notes != 0) rest.push_back(plural(notes, "note"));
  const bool none_runs =
      !stopped.empty() && std::none_of(proof.guests.begin(), proof.guests.end(),
                                       [](const GuestProof& guest) { return guest.pid.has_value(); });
  if (none_runs)
    rest.insert(rest.begin(), not_running(stopped) + ": nothing is proven");
  else if (!stopped.empty())
    rest.push_back(not_running(stopped));
  if (rest.empty()) return paint.green("Everything is as wanted.");
  return fmt::format("{}{}.", none_runs ? "" : "Nothing is wrong; ", fmt::join(rest, ", "));
}

Json verdict_json(const Verdict& verdict) {
  const auto or_null = [](const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); };
  return {{"check", verdict.check},          {"subject", verdict.subject},        {"verdict", to_string(verdict.kind)},
          {"found", or_null(verdict.found)}, {"wanted", or_null(verdict.wanted)}, {"remedy", or_null(verdict.remedy)}};
}

Json verdicts_json(const std::vector<Verdict>& verdicts) {
  Json list = Json::array();
  for (const auto& verdict : verdicts) list.push_back(verdict_json(verdict));
  return list;
}

std::string conclusion(const PlugProof& proof, const Paint& paint) {
  const int vm = proof.socket.vm;
  const std::string label = printable(proof.socket.label);
  if (proof.wrong()) return paint.red(fmt::format("{} is not VM {}'s alone.", label, vm));
  if (!proof.proven()) return paint.yellow(fmt::format("Nothing is proven: VM {} has seen no new device.", vm));
  const bool all = std::none_of(proof.verdicts.begin(), proof.verdicts.end(),
                                [](const Verdict& verdict) { return verdict.kind == Verdict::Kind::unknown; });
  return paint.green(fmt::format("What is plugged into {} is seen by VM {} and {}.", label, vm,
                                 all ? "by nobody else" : "not by the host"));
}

}  // namespace

std::string proof_text(const Proof& proof, const Paint& paint) {
  std::string text = findings_text(proof.findings, paint);
  if (!text.empty()) text += "\n";
  if (proof.guests.empty()) return text + "No VM is configured, applied for or running: nothing to verify.\n";
  for (const auto& guest : proof.guests) {
    const std::string name = guest.name.empty() ? "" : " (" + printable(guest.name) + ")";
    text += paint.bold(fmt::format("VM {}{}", guest.vm, name)) + "\n" + verdicts_text(guest.verdicts, paint) + "\n";
  }
  if (!proof.pools.empty()) text += paint.bold("Huge pages") + "\n" + verdicts_text(proof.pools, paint) + "\n";
  const auto wrong = count(proof, Verdict::Kind::wrong);
  if (wrong != 0) return text + paint.red(fmt::format("{} wrong.", wrong)) + "\n";
  if (has_errors(proof.findings)) return text + "Not everything is proven: see the errors above.\n";
  return text + nothing_wrong(proof, paint) + "\n";
}

std::string proof_json(const Proof& proof) {
  Json guests = Json::array();
  for (const auto& guest : proof.guests)
    guests.push_back({{"vm", guest.vm},
                      {"name", guest.name.empty() ? Json(nullptr) : Json(guest.name)},
                      {"pid", guest.pid ? Json(*guest.pid) : Json(nullptr)},
                      {"checks", verdicts_json(guest.verdicts)}});
  const Json document{{"version", 1},
                      {"ok", proof.ok()},
                      {"vms", guests},
                      {"pools", verdicts_json(proof.pools)},
                      {"findings", findings_json(proof.findings)}};
  return printed(document);
}

std::string plug_text(const PlugProof& proof, const Paint& paint) {
  const auto& socket = proof.socket;
  const std::string name = socket.name.empty() ? "" : " (" + printable(socket.name) + ")";
  return paint.bold(fmt::format("{} of VM {}{}, controller {}", printable(socket.label), socket.vm, name,
                                to_string(socket.controller))) +
         "\n" + verdicts_text(proof.verdicts, paint) + "\n" + conclusion(proof, paint) + "\n";
}

std::string plug_json(const PlugProof& proof) {
  const auto or_null = [](const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); };
  Json sticks = Json::array();
  for (const auto& stick : proof.sticks)
    sticks.push_back({{"ids", stick.ids}, {"serial", or_null(stick.serial)}, {"name", or_null(stick.name)}});
  const Json document{{"version", 1},
                      {"ok", proof.proven()},
                      {"port", proof.socket.label},
                      {"controller", to_string(proof.socket.controller)},
                      {"vm", proof.socket.vm},
                      {"name", or_null(proof.socket.name)},
                      {"devices", sticks},
                      {"checks", verdicts_json(proof.verdicts)}};
  return printed(document);
}

}  // namespace hostsplit
