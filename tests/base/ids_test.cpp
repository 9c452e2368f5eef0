// Identifiers: their forms, and that no two agree.
#include "server/base/ids.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <regex>
#include <set>

namespace tutti {
namespace {

bool isForm(const std::string& text, const char* form) {
  return std::regex_match(text, std::regex(form));
}

TEST(IdsTest, EachKindHasItsForm) {
  EXPECT_TRUE(isForm(newSessionId(), "ses_[0-9a-f]{12}"));
  EXPECT_TRUE(isForm(newRunId(), "run_[0-9a-f]{12}"));
  EXPECT_TRUE(isForm(newReplicaId(), "rep_[0-9a-f]{16}"));
  for (int i = 0; i < 100; ++i)
    EXPECT_TRUE(
        isForm(newUuid(), "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"));
}

TEST(IdsTest, HexHasTwoDigitsAByte) {
  EXPECT_EQ(randomHex(0), "");
  for (int bytes = 1; bytes <= 64; ++bytes)
    EXPECT_EQ(randomHex(bytes).size(), static_cast<std::size_t>(bytes) * 2);
}

TEST(IdsTest, NoTwoAgree) {
  std::set<std::string> seen;
  for (int i = 0; i < 10'000; ++i) {
    EXPECT_TRUE(seen.insert(newSessionId()).second);
    EXPECT_TRUE(seen.insert(newUuid()).second);
  }
}

TEST(IdsTest, SessionsOfOneProcessAreNeighbours) {
  const std::string first = newSessionId();
  const std::string second = newSessionId();
  const auto number = [](const std::string& id) { return std::stoull(id.substr(4), nullptr, 16); };
  EXPECT_EQ((number(second) - number(first)) & 0xffff'ffff'ffffU, 1U);
}

TEST(IdsTest, AForkedProcessGivesOthersThanItsParent) {
  const std::string before = newSessionId();
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const std::string id = newSessionId();
    ::_exit(::write(ends[1], id.data(), id.size()) == std::ssize(id) ? 0 : 1);
  }
  ::close(ends[1]);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  std::string theirs(before.size(), ' ');
  EXPECT_EQ(::read(ends[0], theirs.data(), theirs.size()), std::ssize(theirs));
  ::close(ends[0]);
  EXPECT_NE(newSessionId(), theirs);
}

TEST(IdsTest, SafeIdsAreSafeFileNames) {
  for (const char* good : {"a", "ses_0123456789ab", "A-b_9", "-", "_"}) EXPECT_TRUE(isSafeId(good));
  for (const char* bad : {"", ".", "..", "a/b", "a b", "a.b", "é", "a\n", "a\\b"})
    EXPECT_FALSE(isSafeId(bad)) << bad;
  EXPECT_FALSE(isSafeId(std::string_view("a\0b", 3)));
  EXPECT_TRUE(isSafeId(std::string(64, 'a')));
  EXPECT_FALSE(isSafeId(std::string(65, 'a')));
}

}  // namespace
}  // namespace tutti
