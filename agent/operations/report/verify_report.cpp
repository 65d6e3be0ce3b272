#include <fmt/format.h>

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

std::size_t count(const Proof& proof, Verdict::Kind kind) {
  std::size_t number = 0;
  const auto add = [&](const std::vector<Verdict>& verdicts) {
    for (const auto& verdict : verdicts) number += verdict.kind == kind;
  };
  for (const auto& guest : proof.guests) add(guest.verdicts);
  add(proof.pools);
  return number;
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
  const auto wrong = count(proof, Verdict::Kind::wrong), unknown = count(proof, Verdict::Kind::unknown);
  if (wrong != 0) return text + paint.red(fmt::format("{} wrong.", wrong)) + "\n";
  if (has_errors(proof.findings)) return text + "Not everything is proven: see the errors above.\n";
  if (unknown != 0) return text + fmt::format("Nothing is wrong; {} could not be checked.\n", unknown);
  return text + paint.green("Everything is as wanted.") + "\n";
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

}  // namespace hostsplit
