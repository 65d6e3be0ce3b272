#include "host/act/image_archive.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>

#include "core/base/error.hpp"
#include "host/system/unique_fd.hpp"

namespace hostsplit {
namespace {

using namespace std::string_view_literals;

/// A damaged header must not make us take the machine's memory.
constexpr std::uint32_t longest_name = 4096, largest_content = 1 << 20;

/// How compressed images begin, and what undoes it.
struct Decompressor {
  std::string_view magic;
  std::array<const char*, 4> command;
};
constexpr Decompressor decompressors[] = {{"\x28\xb5\x2f\xfd"sv, {"zstd", "-dc", nullptr}},
                                          {"\x1f\x8b"sv, {"gzip", "-dc", nullptr}},
                                          {"\xfd\x37zXZ\0"sv, {"xz", "-dc", nullptr}},
                                          {"\x02\x21\x4c\x18"sv, {"lz4", "-dc", nullptr}},
                                          {"\x89LZO"sv, {"lzop", "-dc", nullptr}},
                                          {"BZh"sv, {"bzip2", "-dc", nullptr}},
                                          {"\x5d\0\0"sv, {"xz", "--format=lzma", "-dc", nullptr}}};

/// Bytes of a descriptor in order.
class Bytes {
 public:
  Bytes(int fd, std::string shown) : fd_(fd), shown_(std::move(shown)) {}

  /// Up to `count` bytes without taking them; fewer at the end. \pre count <= 8192
  std::string_view peek(std::size_t count) {
    while (end_ - begin_ < count && fill()) {
    }
    return {buffer_.data() + begin_, std::min(count, end_ - begin_)};
  }
  void skip(std::size_t count) {
    while (count > 0) {
      if (peek(1).empty()) throw damaged("it ends in the middle of a file");
      const auto some = std::min(count, end_ - begin_);
      begin_ += some;
      offset_ += some;
      count -= some;
    }
  }
  std::string take(std::size_t count) {
    std::string text;
    while (text.size() < count) {
      if (peek(1).empty()) throw damaged("it ends in the middle of a file");
      const auto some = std::min(count - text.size(), end_ - begin_);
      text.append(buffer_.data() + begin_, some);
      begin_ += some;
      offset_ += some;
    }
    return text;
  }
  std::size_t offset() const { return offset_; }
  Error damaged(const std::string& why) const { return {"read", shown_, why}; }

 private:
  bool fill() {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
    ssize_t count = 0;
    do count = ::read(fd_, buffer_.data() + end_, buffer_.size() - end_);
    while (count < 0 && errno == EINTR);
    if (count < 0) throw damaged(std::strerror(errno));
    end_ += static_cast<std::size_t>(count);
    return count > 0;
  }

  int fd_;
  std::string shown_;
  std::array<char, 65536> buffer_{};
  std::size_t begin_ = 0, end_ = 0, offset_ = 0;
};

std::uint32_t header_field(std::string_view header, std::size_t index, const Bytes& bytes) {
  const auto text = header.substr(6 + 8 * index, 8);
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (error != std::errc() || end != text.data() + text.size())
    throw bytes.damaged("the header of a file makes no sense");
  return value;
}

std::string_view without_prefix(std::string_view name) {
  while (name.starts_with("./") || name.starts_with("/")) name.remove_prefix(name.front() == '.' ? 2 : 1);
  return name;
}

constexpr std::size_t padded(std::size_t size) {
  return (size + 3) / 4 * 4;
}

/// One file. \return false for the trailer.
bool read_entry(Bytes& bytes, const std::vector<std::string>& wanted, ImageContent& image) {
  constexpr std::size_t header_size = 110, size_field = 6, name_size_field = 11;
  const std::string header = bytes.take(header_size);
  const auto size = header_field(header, size_field, bytes), name_size = header_field(header, name_size_field, bytes);
  if (name_size == 0 || name_size > longest_name) throw bytes.damaged("the name of a file makes no sense");
  std::string raw = bytes.take(padded(header_size + name_size) - header_size);
  const std::string name(without_prefix(std::string_view(raw).substr(0, name_size - 1)));
  if (name == "TRAILER!!!") return bytes.skip(padded(size)), false;
  image.names.push_back(name);
  if (size <= largest_content && std::find(wanted.begin(), wanted.end(), name) != wanted.end()) {
    image.content[name] = bytes.take(padded(size)).substr(0, size);
  } else {
    bytes.skip(padded(size));
  }
  return true;
}

/// All archives up to the end, or up to something that is none. \return whether the end was reached.
bool read_archives(Bytes& bytes, const std::vector<std::string>& wanted, ImageContent& image) {
  for (;;) {
    while (bytes.peek(1) == "\0"sv) bytes.skip(1);
    if (bytes.peek(1).empty()) return true;
    const auto magic = bytes.peek(6);
    if (magic != "070701" && magic != "070702") return false;
    while (read_entry(bytes, wanted, image)) {
    }
  }
}

const Decompressor* decompressor_for(std::string_view start) {
  for (const auto& each : decompressors)
    if (start.starts_with(each.magic)) return &each;
  return nullptr;
}

/// A program that reads `input` and whose output is read.
class Filter {
 public:
  Filter(const Decompressor& decompressor, int input, const std::string& shown) : shown_(shown) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) throw Error("read", shown, std::strerror(errno));
    output_.reset(ends[0]);
    const UniqueFd write_end(ends[1]);
    pid_ = fork();
    if (pid_ < 0) throw Error("read", shown, std::strerror(errno));
    if (pid_ > 0) return;
    dup2(input, STDIN_FILENO);
    dup2(write_end.get(), STDOUT_FILENO);
    execvp(decompressor.command[0], const_cast<char* const*>(decompressor.command.data()));
    _exit(127);
  }
  ~Filter() {
    output_.reset();
    if (pid_ > 0) waitpid(pid_, nullptr, 0);
  }
  Filter(const Filter&) = delete;
  Filter& operator=(const Filter&) = delete;

  int output() const { return output_.get(); }
  /// \throws Error unless the program was content with its input.
  void finish(const char* program) {
    int status = 0;
    waitpid(std::exchange(pid_, 0), &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return;
    const bool missing = WIFEXITED(status) && WEXITSTATUS(status) == 127;
    throw Error("read", shown_, fmt::format("{} {}", program, missing ? "is not installed" : "cannot decompress it"));
  }

 private:
  std::string shown_;
  UniqueFd output_;
  int pid_ = 0;
};

}  // namespace

ImageContent read_image(const Root& root, const std::string& path, const std::vector<std::string>& wanted) {
  const std::string shown = root.display(path);
  const UniqueFd fd(openat(root.descriptor(), path.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0) throw Error("open", shown, std::strerror(errno));
  ImageContent image;
  Bytes bytes(fd.get(), shown);
  if (read_archives(bytes, wanted, image)) {
    if (image.names.empty()) throw bytes.damaged("it is empty");
    return image;
  }
  const Decompressor* decompressor = decompressor_for(bytes.peek(6));
  if (!decompressor) throw bytes.damaged("it is compressed in a way that is not known here");
  lseek(fd.get(), static_cast<off_t>(bytes.offset()), SEEK_SET);
  Filter filter(*decompressor, fd.get(), shown);
  Bytes inner(filter.output(), shown);
  if (!read_archives(inner, wanted, image)) throw inner.damaged("its content is not a cpio archive");
  filter.finish(decompressor->command[0]);
  return image;
}

}  // namespace hostsplit
