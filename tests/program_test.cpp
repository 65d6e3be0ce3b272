// Programs and files on the real machine: what LiveEffects does with them.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "core/base/error.hpp"
#include "host/effects/effects.hpp"
#include "host/effects/program.hpp"
#include "host/system/unique_fd.hpp"
#include "service/work/interruption.hpp"

namespace hostsplit {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using ::testing::HasSubstr;

struct RealFiles : ::testing::Test {
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "hostsplit-files.XXXXXX").string();
    directory = ::mkdtemp(pattern.data());
  }
  void TearDown() override { fs::remove_all(directory); }
  std::string path(const std::string& name) const { return directory.substr(1) + "/" + name; }
  std::string text(const std::string& name) const {
    std::ifstream file(directory + "/" + name);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  void write(const std::string& name, const std::string& content) const {
    std::ofstream(directory + "/" + name) << content;
  }
  std::size_t entries() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(directory), fs::directory_iterator()));
  }
  /// What a shell says about itself through a file.
  std::string shell(const std::string& script, std::chrono::milliseconds deadline = 10s) const {
    run_program({"sh", "-c", "{ " + script + "; } > " + directory + "/out"}, deadline);
    return text("out");
  }

  std::string directory;
  Root root{"/"};
  LiveEffects effects{root};
};

std::string why(const std::vector<std::string>& command, std::chrono::milliseconds deadline = 10s) {
  try {
    run_program(command, deadline);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST_F(RealFiles, AProgramReadsNothingAndFindsSystemPrograms) {
  setenv("PATH", "/nowhere", 1);
  setenv("LC_ALL", "de_DE.UTF-8", 1);
  const auto seen = shell("readlink /proc/self/fd/0; echo $PATH $LC_ALL");
  setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", 1);
  unsetenv("LC_ALL");
  EXPECT_EQ(seen, "/dev/null\n/usr/sbin:/usr/bin:/sbin:/bin C.UTF-8\n");
}

TEST_F(RealFiles, AProgramsOwnEndCountsThoughAChildOfItLivesOn) {
  EXPECT_EQ(why({"sh", "-c", "sleep 1 & exit 0"}, 900ms), "no error");
  EXPECT_THAT(why({"sh", "-c", "sleep 1 & exit 7"}, 900ms), HasSubstr("it exited with 7"));
}

TEST_F(RealFiles, WhatTakesTooLongIsEndedWithAllItStarted) {
  const auto script = "(while :; do date >> " + directory + "/ticks; sleep 0.05; done) & wait";
  EXPECT_THAT(why({"sh", "-c", script}, 300ms), HasSubstr("it took more than 300 ms and was ended"));
  const auto size = fs::file_size(directory + "/ticks");
  std::this_thread::sleep_for(300ms);
  EXPECT_EQ(fs::file_size(directory + "/ticks"), size) << "it went on writing";
}

TEST_F(RealFiles, AProgramThatIsNotThereIsSaidSo) {
  EXPECT_THAT(why({"no-such-program-of-hostsplit"}), HasSubstr("No such file or directory"));
  EXPECT_THAT(why({"sh", "-c", "kill -KILL $$"}), HasSubstr("it was ended by signal 9"));
}

TEST_F(RealFiles, AProgramInheritsNoDescriptor) {
  const UniqueFd careless(::open((directory + "/lock").c_str(), O_RDWR | O_CREAT, 0600));
  EXPECT_EQ(shell("ls /proc/self/fd | wc -l"), "4\n") << "0, 1, 2 and the one of ls";
}

/// A worker that is killed in the middle of update-initramfs: the next one must not find the lock free beside it.
TEST_F(RealFiles, WhoIsKilledLeavesNoProgramBehindWithoutTheLock) {
  const auto lock = directory + "/lock", ticks = directory + "/ticks";
  const pid_t worker = fork();
  if (worker == 0) {
    const int held = ::open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    flock(held, LOCK_EX);
    try {
      run_program({"sh", "-c", "(while :; do date >> " + ticks + "; sleep 0.02; done) & wait"}, 60s);
    } catch (...) {
    }
    _exit(0);
  }
  while (!fs::exists(ticks)) std::this_thread::sleep_for(5ms);
  const UniqueFd next(::open(lock.c_str(), O_RDWR | O_CLOEXEC));
  ASSERT_NE(flock(next.get(), LOCK_EX | LOCK_NB), 0);
  kill(worker, SIGKILL);
  waitpid(worker, nullptr, 0);
  ASSERT_EQ(flock(next.get(), LOCK_EX), 0);
  const auto size = fs::file_size(ticks);
  std::this_thread::sleep_for(200ms);
  EXPECT_EQ(fs::file_size(ticks), size) << "it went on writing, and the lock was free";
}

TEST_F(RealFiles, AProgramLosesItsReaderAndItsTerminalWithoutHarmToTheWork) {
  const pid_t acting = fork();
  if (acting == 0) {
    finish_steps();
    raise(SIGHUP);
    raise(SIGPIPE);
    const bool undisturbed = !interrupted();
    raise(SIGTERM);
    _exit(undisturbed && interrupted() ? 0 : 1);
  }
  int status = 0;
  waitpid(acting, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

TEST_F(RealFiles, WhatAProgramSaysIsHeardWhateverItExitsWith) {
  const auto answer = program_output({"sh", "-c", "echo out; echo err >&2; readlink /proc/self/fd/0; exit 3"}, 10s);
  EXPECT_EQ(answer.exit_code, 3);
  EXPECT_EQ(answer.out, "out\n/dev/null\n");
  EXPECT_EQ(answer.err, "err\n");
  EXPECT_EQ(program_output({"true"}, 10s).out, "");
  EXPECT_EQ(program_output({"sh", "-c", "ls /proc/self/fd | wc -l"}, 10s).out, "4\n") << "0, 1, 2 and the one of ls";
}

TEST_F(RealFiles, TheSentenceOfAProgramThatRefusesIsTheReason) {
  EXPECT_NO_THROW(effects.require({"true"}, 10s));
  try {
    effects.require({"sh", "-c", "echo 'sh: no room, remove something' >&2; echo more >&2; exit 1"}, 10s);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.reason(), "no room, remove something");
  }
  try {
    effects.require({"sh", "-c", "exit 4"}, 10s);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.reason(), "it exited with 4");
  }
}

TEST_F(RealFiles, AProgramThatIsHeardIsEndedAndBoundedAsAnyOther) {
  const auto heard = [](const std::string& script, std::chrono::milliseconds deadline) -> std::string {
    try {
      return program_output({"sh", "-c", script}, deadline).out;
    } catch (const Error& error) {
      return error.what();
    }
  };
  EXPECT_EQ(heard("echo said; sleep 1 &", 900ms), "said\n") << "a child that lives on with the output open";
  EXPECT_THAT(heard("echo said; sleep 60", 200ms), HasSubstr("it took more than 200 ms and was ended"));
  EXPECT_THAT(heard("kill -KILL $$", 10s), HasSubstr("it was ended by signal 9"));
  EXPECT_THAT(heard("exec cat /dev/zero", 10s), HasSubstr("it wrote more than 1048576 bytes"));
  EXPECT_EQ(heard("head -c 1000000 /dev/zero", 10s).size(), 1000000u);
  EXPECT_THROW(program_output({"no-such-program-of-hostsplit"}, 10s), Error);
}

TEST_F(RealFiles, ALinkStaysALinkAndItsTargetIsReplaced) {
  write("target", "old");
  fs::create_symlink("target", directory + "/link");
  effects.replace_file(path("link"), "new");
  EXPECT_TRUE(fs::is_symlink(directory + "/link"));
  EXPECT_EQ(text("target"), "new");
  EXPECT_EQ(entries(), 2u) << "no temporary file is left";
}

TEST_F(RealFiles, TheOwnerStaysAndTheModeIsAsAsked) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can give files away";
  write("file", "old");
  ASSERT_EQ(::chown((directory + "/file").c_str(), 12, 34), 0);
  effects.replace_file(path("file"), "new", 0640);
  struct stat seen {};
  ASSERT_EQ(::stat((directory + "/file").c_str(), &seen), 0);
  EXPECT_EQ(seen.st_uid, 12u);
  EXPECT_EQ(seen.st_gid, 34u);
  EXPECT_EQ(seen.st_mode & 07777, 0640u);
}

TEST_F(RealFiles, ATemporaryFileOfSomebodyElseIsNotWrittenThrough) {
  write("victim", "mine");
  fs::create_symlink("victim", directory + "/.file." + std::to_string(getpid()) + ".new");
  effects.replace_file(path("file"), "new");
  EXPECT_EQ(text("victim"), "mine");
  EXPECT_EQ(text("file"), "new");
}

TEST_F(RealFiles, ACopyIsNotWrittenWithItsOriginal) {
  write("grub.cfg", "whole");
  effects.copy_file(path("grub.cfg"), path("copy"));
  effects.keep_file(path("grub.cfg"), path("second-name"));
  std::ofstream(directory + "/grub.cfg") << "broken";
  EXPECT_EQ(text("copy"), "whole");
  EXPECT_EQ(text("second-name"), "broken") << "which is why menus are copied";
}

}  // namespace
}  // namespace hostsplit
