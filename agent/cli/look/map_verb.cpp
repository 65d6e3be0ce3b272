#include <algorithm>
#include <iostream>

#include "cli/verbs.hpp"
#include "core/base/error.hpp"
#include "host/store/output_file.hpp"
#include "operations/picture.hpp"
#include "operations/report/colour.hpp"
#include "operations/report/picture_report.hpp"

namespace hostsplit::cli {
namespace {

constexpr int usual_width = 80, widest = 200;
constexpr int document_width = 120;  // three controllers side by side; on A4 its letters are still readable

int terminal_width() {
  const auto columns = static_cast<int>(columns_of_stdout());
  return columns != 0 ? std::clamp(columns, narrowest_sheet, widest) : usual_width;
}

/// To standard output, or into the file that was named behind the option.
void deliver(const std::string& document, const std::vector<std::string>& file, bool force) {
  if (file.empty() || file.front().empty())
    std::cout << document;
  else
    write_output(file.front(), document, picture_mark, force);
}

}  // namespace

int map_verb(const Options& options) {
  const Root root(options.root);
  State state;
  const auto damaged = observe_past_damage(root, state);
  const MachinePicture picture = picture_of(root, state, options.panel, damaged);
  const auto sheet = [&](int width) {
    return options.panel ? draw_panels(picture, width) : draw_machine(picture, width);
  };
  if (options.json)
    std::cout << picture_json(picture);
  else if (options.svg)
    deliver(sheet_svg(sheet(document_width)), options.words, options.force);
  else if (options.html)
    deliver(sheet_html(sheet(document_width), options.panel ? std::vector<MarkedFinding>{} : picture.findings),
            options.words, options.force);
  else if (!options.words.empty())
    throw Error("use", options.words.front(), "a picture in characters goes to standard output",
                "Write hostsplit map --svg FILE or --html FILE.", Error::Kind::bad_input);
  else
    std::cout << sheet_text(sheet(terminal_width()), TerminalLook::for_stdout());
  return has_damage(damaged) ? Exit::bad_usage : Exit::fine;
}

}  // namespace hostsplit::cli
