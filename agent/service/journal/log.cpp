#include "service/journal/log.hpp"

#include <spdlog/details/null_mutex.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <cstdlib>
#include <memory>

#include "core/base/error.hpp"
#include "core/base/names.hpp"
#include "service/journal/journal_socket.hpp"

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

spdlog::level::level_enum spdlog_level(LogLevel level) {
  switch (level) {
    case LogLevel::debug: return spdlog::level::debug;
    case LogLevel::info: return spdlog::level::info;
    case LogLevel::warning: return spdlog::level::warn;
    case LogLevel::error: return spdlog::level::err;
  }
  return spdlog::level::err;
}

/// spdlog's own sink for the journal waits for one that takes nothing, and the service's loop with it.
class JournalSink : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
  void sink_it_(const spdlog::details::log_msg& message) override {
    (void)socket_.send({"MESSAGE=" + std::string(message.payload.data(), message.payload.size()),
                        "PRIORITY=" + std::to_string(priority(message.level)),
                        std::string("SYSLOG_IDENTIFIER=") + names::program});
  }
  void flush_() override {}

  /// syslog(3)
  static int priority(spdlog::level::level_enum level) {
    switch (level) {
      case spdlog::level::info: return 6;
      case spdlog::level::warn: return 4;
      case spdlog::level::err: return 3;
      case spdlog::level::critical: return 2;
      default: return 7;
    }
  }

  JournalSocket socket_;
};

}  // namespace

void set_up_log(const std::string& level) {
  const auto parsed = parse_level(level);
  std::shared_ptr<spdlog::sinks::sink> sink;
  if (std::getenv("JOURNAL_STREAM") != nullptr)
    sink = std::make_shared<JournalSink>();
  else
    sink = std::make_shared<spdlog::sinks::stderr_sink_st>();
  auto logger = std::make_shared<spdlog::logger>(names::program, std::move(sink));
  logger->set_pattern("%n: %l: %v");
  logger->set_level(parsed);
  spdlog::set_default_logger(std::move(logger));
}

bool logs(LogLevel level) {
  return spdlog::should_log(spdlog_level(level));
}

void log(LogLevel level, const std::string& line) {
  spdlog::default_logger_raw()->log(spdlog_level(level), "{}", line);
}

}  // namespace hostsplit
