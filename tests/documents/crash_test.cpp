// A process that dies between two durable steps of a push, an edit or a removal: what it had been
// told is done is there afterwards, rows and files agree, and only garbage is left.
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <map>
#include <random>
#include <sstream>

#include "server/documents/crash_point.hpp"
#include "tests/documents/support.hpp"

namespace tutti::documents {
namespace {

constexpr const char* kSteps[] = {"staged",    "synced",    "renamed", "committing",
                                  "committed", "unlinking", "unlinked"};

struct Death {
  std::string step;
  int countdown = 0;
};
Death death;  // the child's

void dieAtStep(const char* step) {
  if (death.step == step && --death.countdown <= 0) ::_exit(42);
}

/// What a caller knows of one document.
struct Known {
  std::string checksum;
  bool gone = false;
  bool changing = false;  ///< a change was begun and not answered
};

class CrashTest : public DocumentsTest {
 protected:
  void SetUp() override {}  // the store is opened in the child first

  [[noreturn]] static void giveUp(const Error& error) {
    std::fprintf(stderr, "%s\n", error.text().c_str());
    ::_exit(2);
  }
  /// In the child: changes documents until it dies or all is done, and says what it was told.
  void work(unsigned seed, int out) {
    std::mt19937 random(seed);
    death = {kSteps[seed % std::size(kSteps)], 1 + static_cast<int>(random() % 6)};
    crash_hook = dieAtStep;
    open();
    const auto say = [out](const std::string& line) {
      if (::write(out, line.data(), line.size()) < 0) ::_exit(1);
    };
    const auto text = [&] {
      return std::string(random() % 2 == 0 ? 100 : 70'000, 'a') + std::to_string(random());
    };
    std::vector<std::string> ids;
    for (int i = 0; i < 20; ++i) {
      const auto choice = random() % 4;
      if (ids.empty() || choice == 0) {
        const auto pushed = push("a.txt", text());
        if (!pushed.ok()) giveUp(pushed.error());
        ids.push_back(pushed->id);
        say("is " + pushed->id + " " + pushed->checksum + "\n");
        continue;
      }
      const std::size_t at = random() % ids.size();
      const std::string id = ids[at];
      say("change " + id + "\n");
      if (choice == 3) {
        if (const auto removed = remove(id); !removed.ok()) giveUp(removed.error());
        ids.erase(ids.begin() + static_cast<std::ptrdiff_t>(at));
        say("gone " + id + "\n");
        continue;
      }
      std::string checksum;
      if (choice == 1) {
        const auto edited = edit(id, {std::to_string(random()), {}, false, 0, 0});
        if (!edited.ok()) giveUp(edited.error());
        checksum = edited->document.checksum;
      } else {
        const auto written = write(id, text());
        if (!written.ok()) giveUp(written.error());
        checksum = written->document.checksum;
      }
      say("is " + id + " " + checksum + "\n");
    }
    service.reset();
    store.reset();
    ::_exit(0);
  }

  static std::map<std::string, Known> toldBy(int in) {
    std::string all;
    char block[4096];
    for (ssize_t got = 0; (got = ::read(in, block, sizeof block)) > 0;)
      all.append(block, static_cast<std::size_t>(got));
    std::map<std::string, Known> known;
    std::istringstream lines(all);
    std::string word, id;
    while (lines >> word >> id) {
      Known& one = known[id];
      one.changing = word == "change";
      if (word == "gone") one.gone = true;
      if (word == "is") lines >> one.checksum;
    }
    return known;
  }

  void expectKept(const std::map<std::string, Known>& known) {
    for (const auto& [id, one] : known) {
      const auto got = read(id);
      if (one.gone) {
        EXPECT_FALSE(got.ok()) << id << " was removed";
        continue;
      }
      if (one.changing && !got.ok()) continue;  // its removal may have been what was under way
      ASSERT_TRUE(got.ok()) << id << ": " << got.error().text();
      if (!one.changing) {
        EXPECT_EQ(got->document.checksum, one.checksum) << id;
      }
    }
  }
};

TEST_F(CrashTest, NothingAcknowledgedIsLostAndRowsAndFilesAgree) {
  int died = 0;
  for (unsigned seed = 0; seed < 70; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      ::close(ends[0]);
      work(seed, ends[1]);
    }
    ::close(ends[1]);
    const auto known = toldBy(ends[0]);
    ::close(ends[0]);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFEXITED(status)) << "signal " << WTERMSIG(status);
    ASSERT_TRUE(WEXITSTATUS(status) == 42 || WEXITSTATUS(status) == 0) << WEXITSTATUS(status);
    died += WEXITSTATUS(status) == 42 ? 1 : 0;
    open();
    expectKept(known);
    CheckOptions fix;
    fix.fix = true;
    const auto checked = checkDocuments(*store, service->files(), fix);
    ASSERT_TRUE(checked.ok()) << checked.error().text();
    EXPECT_EQ(checked->damage_count, 0) << checked->findings.front().message;
    expectSound();
    service.reset();
    store.reset();
    if (HasFailure()) return;
  }
  EXPECT_GT(died, 40) << "too few seeds died for this to tell anything";
}

TEST_F(CrashTest, TwoProcessesEditOneDocumentAndEveryEditCounts) {
  open();
  const auto pushed = push("a.txt", std::string());
  ASSERT_TRUE(pushed.ok()) << pushed.error().text();
  const std::string id = pushed->id;
  service.reset();
  store.reset();
  constexpr int kEdits = 40;
  std::vector<pid_t> children;
  for (const char* word : {"a", "b"}) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      open();
      for (int i = 0; i < kEdits; ++i)
        if (!edit(id, {word, {}, false, 0, 0}).ok()) ::_exit(1);
      service.reset();
      store.reset();
      ::_exit(0);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }
  open();
  const auto got = read(id);
  ASSERT_TRUE(got.ok()) << got.error().text();
  EXPECT_EQ(std::count(got->bytes.begin(), got->bytes.end(), 'a'), kEdits);
  EXPECT_EQ(std::count(got->bytes.begin(), got->bytes.end(), 'b'), kEdits);
  expectSound();
}

}  // namespace
}  // namespace tutti::documents
