#pragma once
#include <string>
#include <vector>

namespace hostsplit::cli {

/// Answers the completion of a shell (config/completions): one candidate a line, a tab, what it is. Verbs and options
/// are those of the verb table; labels, VMs and addresses those of the machine. ":directories" alone asks the shell for
/// names of directories. A machine that cannot be read has no candidates; nothing is ever said about it.
/// \param words  the command line behind "hostsplit"; the last one is being typed, and may be empty. \return an Exit
int complete_words(const std::vector<std::string>& words);

}  // namespace hostsplit::cli
