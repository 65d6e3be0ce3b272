#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/steps/step.hpp"
#include "host/act/audit.hpp"
#include "host/effects/effects.hpp"
#include "host/system/root.hpp"

namespace hostsplit {

/// How one step ended.
struct StepResult {
  enum class Kind { done, failed, skipped };
  std::string id;
  Kind kind = Kind::skipped;
  std::string detail;  ///< why it failed; or what came instead, e.g. "4 of 5 pages"
};

struct Outcome {
  std::vector<StepResult> results;
  bool ok() const;
};

/// Asked before each step; true leaves the remaining steps undone.
using StopAsked = std::function<bool()>;

/// A step that begins or has ended.
struct StepProgress {
  std::size_t number = 0;  ///< of the step, from 1
  std::size_t total = 0;
  const Step& step;
  const StepResult* result;  ///< nullptr: it begins
};
/// Called before and after each step; a skipped step ends without having begun.
using Progress = std::function<void(const StepProgress&)>;

/// Runs plans: stores the inverse of every effect first; then, step by step, opens the audit record, acts, reads back.
/// Stops at the first failure; the steps after it are reported as skipped. Too few huge pages fail their own step only.
/// Steps in a row that only write attributes are done in one child process, see Effects::in_child(); when the kernel
/// does not answer one, its function is put into quarantine().
class Executor {
 public:
  Executor(const Root& root, Effects& effects, AuditSink& audit, StopAsked stop_asked = {})
      : root_(root),
        effects_(effects),
        audit_(audit),
        stop_asked_(std::move(stop_asked)) {}

  /// The detail of steps that were left because somebody asked to stop.
  static constexpr auto cancelled = "cancelled";

  /// \param stop_at_failure false for repairs, where functions are independent of each other.
  Outcome run(const std::vector<Step>& steps, const Progress& progress = {}, bool stop_at_failure = true);

 private:
  /// Remembers how everything the steps touch was before, before any of it is touched.
  void store_inverses(const std::vector<Step>& steps);
  class Run;
  void perform_in_child(Run& run);
  StepResult perform(const Step& step);
  StepResult give_up(const Step& step, const Stuck& stuck);
  StepResult report_dead_child(const Step& step, const Error& error);
  /// Each returns what was found afterwards where that differs from the plan, and throws when it did not succeed.
  std::string act(const LoadModule& action);
  std::string act(const Bind& action);
  std::string act(const Reserve& action);
  std::string act(const WriteFile& action);
  std::string act(const EditLine& action);
  std::string act(const RemoveFile& action);
  std::string act(const RebuildInitramfs& action);
  std::string act(const RefreshBootLoader& action);
  std::string act(const SetRung& action);
  std::string act(const SetPve& action);

  /// Remembers what an image carries. \param stamp empty: nothing of hostsplit any more
  void note_loader(const std::optional<std::string>& stamp);
  void note_image(const std::string& kernel, const std::optional<std::string>& stamp);

  const Root& root_;
  Effects& effects_;
  AuditSink& audit_;
  StopAsked stop_asked_;
};

}  // namespace hostsplit
