// A machine that does not give what the context store asks for.
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstddef>
#include <fstream>
#include <future>

#include "server/documents/inside.hpp"
#include "tests/documents/support.hpp"

namespace tutti::documents {
namespace {
namespace fs = std::filesystem;

class LimitsTest : public DocumentsTest {};

/// Files above `bytes` cannot be written while it lives: for a program the same as a full disk.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : signal_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit now{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &now);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, signal_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  rlimit before_{};
  void (*signal_)(int);
};

TEST_F(LimitsTest, AFullDiskIsNamedAndHarmsNoOtherDocument) {
  const auto kept = push("kept", std::string(100'000, 'k'));
  ASSERT_TRUE(kept.ok()) << kept.error().text();
  {
    const FileSizeLimit limit(1U << 20);
    EXPECT_ERROR(push("large", std::string(3U << 20, 'x')), "disk_full");
    EXPECT_ERROR(write(kept->id, std::string(3U << 20, 'y')), "disk_full");
  }
  EXPECT_EQ(read(kept->id)->bytes, std::string(100'000, 'k'));
  EXPECT_EQ(names({}), (std::vector<std::string>{"kept"}));
  ASSERT_TRUE(push("large", std::string(3U << 20, 'x')).ok()) << "there is room again";
  ASSERT_TRUE(sweep().ok());
  expectSound();
}

TEST_F(LimitsTest, MoreThanTheWorkerMayHaveWaitingIsRefusedAndTheRestIsDone) {
  ServiceOptions options;
  options.jobs_max = 1;
  open(options);
  std::promise<void> release;
  auto released = release.get_future().share();
  store->write(
      [released](store::Tx&) {
        released.wait();
        return ok();
      },
      [](Status) {});
  // The first holds the worker until the store goes on, at most one waits.
  int busy = 0;
  int swept = 0;
  const auto count = [&](const Result<DocumentService::Swept>& result) {
    if (result.ok()) ++swept;
    if (!result.ok() && result.error().name() == "documents_busy") ++busy;
  };
  constexpr int kCalls = 4;
  for (int i = 0; i < kCalls; ++i) service->sweep(count);
  release.set_value();
  while (busy + swept < kCalls) ASSERT_TRUE(loop.runOne());
  EXPECT_GE(busy, 2);
  EXPECT_GE(swept, 1);
  EXPECT_TRUE(sweep().ok());
}

/// Makes the kernel answer as one that is older than openat2.
bool forbidOpenat2() {
  sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog program{sizeof code / sizeof code[0], code};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0 &&
         ::syscall(SYS_openat2, -1, "", nullptr, 0) == -1 && errno == ENOSYS;
}

std::string outcomeOf(const fs::path& root, const fs::path& path) {
  const auto file = openInside({root}, path);
  return file.ok() ? "ok" : std::string(file.error().name());
}

/// What differs from what is expected, in a process of its own.
std::string outcomesWithoutOpenat2(const fs::path& root) {
  if (!forbidOpenat2()) return "seccomp is not to be had";
  const std::pair<fs::path, std::string> expected[] = {
      {root / "sub" / "a", "ok"},
      {root / "link", "path_outside_roots"},
      {root / "out" / "key", "file_not_found"},
      {root / "none", "file_not_found"},
  };
  std::string wrong;
  for (const auto& [path, outcome] : expected) {
    const std::string got = outcomeOf(root, path);
    if (got != outcome) wrong += path.filename().string() + ": " + got + "\n";
  }
  return wrong;
}

TEST(InsideTest, WithoutOpenat2NoLinkIsFollowedAndFilesAreFound) {
  TempFolder root;
  TempFolder secret;
  fs::create_directory(root.path() / "sub");
  std::ofstream(root.path() / "sub" / "a") << "inside";
  std::ofstream(secret.path() / "key") << "secret";
  fs::create_symlink(secret.path() / "key", root.path() / "link");
  fs::create_directory_symlink(secret.path(), root.path() / "out");
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const std::string wrong = outcomesWithoutOpenat2(root.path());
    const bool told = ::write(ends[1], wrong.data(), wrong.size()) >= 0;
    ::_exit(told ? 0 : 1);
  }
  ::close(ends[1]);
  char wrong[1024] = {};
  EXPECT_EQ(::read(ends[0], wrong, sizeof wrong - 1), 0) << wrong;
  ::close(ends[0]);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST_F(LimitsTest, WhatKilledWritersLeftGoesWhenTheNextOneStagesAFile) {
  const auto incoming = service->files().folder() / "incoming";
  std::filesystem::create_directories(incoming);
  std::ofstream(incoming / "dead") << "half a file";
  std::ofstream(incoming / "alive") << "half a file";
  const Fd alive(::open((incoming / "alive").c_str(), O_RDONLY | O_CLOEXEC));
  ASSERT_EQ(::flock(alive.get(), LOCK_EX | LOCK_NB), 0) << "as its writer holds it";
  ASSERT_TRUE(push("small.txt", "in the database").ok());
  EXPECT_TRUE(std::filesystem::exists(incoming / "dead")) << "no file was needed yet";
  ASSERT_TRUE(push("large.txt", std::string(70'000, 'x')).ok());
  service.reset();  // which does what is queued
  EXPECT_FALSE(std::filesystem::exists(incoming / "dead"));
  EXPECT_TRUE(std::filesystem::exists(incoming / "alive"));
}

}  // namespace
}  // namespace tutti::documents
