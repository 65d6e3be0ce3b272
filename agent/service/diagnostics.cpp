#include "service/diagnostics.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/sinks/systemd_sink.h>
#include <spdlog/spdlog.h>

#include <cstdlib>
#include <memory>

#include "core/error.hpp"
#include "core/names.hpp"

namespace hostsplit {
namespace {

spdlog::level::level_enum parse_level(const std::string& level) {
  const auto parsed = spdlog::level::from_str(level);
  // from_str answers "off" for every word it does not know.
  if (parsed == spdlog::level::off && level != "off")
    throw Error("use", "log level \"" + level + "\"", "no such level", "Use trace, debug, info, warning, error or off.",
                Error::Kind::bad_input);
  return parsed;
}

bool goes_to_journal(LogTarget target) {
  if (target == LogTarget::automatic) return std::getenv("JOURNAL_STREAM") != nullptr;
  return target == LogTarget::journal;
}

}  // namespace

void set_up_diagnostics(LogTarget target, const std::string& level) {
  const auto parsed = parse_level(level);
  std::shared_ptr<spdlog::sinks::sink> sink;
  if (goes_to_journal(target))
    sink = std::make_shared<spdlog::sinks::systemd_sink_st>(names::program);
  else
    sink = std::make_shared<spdlog::sinks::stderr_sink_st>();
  auto logger = std::make_shared<spdlog::logger>(names::program, std::move(sink));
  logger->set_pattern("%n: %l: %v");
  logger->set_level(parsed);
  spdlog::set_default_logger(std::move(logger));
}

}  // namespace hostsplit
