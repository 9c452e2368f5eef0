// ECMA-262 expressions on RE2: what matches, what is no expression, and what RE2 cannot run.
#include "server/json/schema/pattern.hpp"

#include <gtest/gtest.h>

namespace tutti::json::schema {
namespace {

bool matches(const char* pattern, std::string_view text) {
  const auto compiled = Pattern::compile(pattern);
  EXPECT_TRUE(compiled.ok()) << pattern << ": "
                             << (compiled.ok() ? "" : compiled.error().message());
  return compiled.ok() && compiled->matches(text);
}

TEST(PatternTest, ItMatchesAnywhereUnlessAnchored) {
  EXPECT_TRUE(matches("b", "abc"));
  EXPECT_FALSE(matches("^b", "abc"));
  EXPECT_FALSE(matches("^abc$", "abc\n"));
  EXPECT_FALSE(matches("^b$", "a\nb\nc"));
}

TEST(PatternTest, ClassesFollowEcmaNotRe2) {
  EXPECT_FALSE(matches("^\\d$", "٣"));
  EXPECT_FALSE(matches("^\\w$", "é"));
  for (const char* space : {"\v", "\xC2\xA0", "\xE2\x80\xA9", "\xEF\xBB\xBF", "\xE3\x80\x80"}) {
    EXPECT_TRUE(matches("^\\s$", space));
    EXPECT_FALSE(matches("^\\S$", space));
    EXPECT_TRUE(matches("^[\\s]$", space));
    EXPECT_FALSE(matches("^[\\S]$", space));
  }
  EXPECT_TRUE(matches("^[^]$", "\n"));
  EXPECT_FALSE(matches("[]", "a"));
  EXPECT_FALSE(matches("^.$", "\xE2\x80\xA8"));
  EXPECT_TRUE(matches("^.$", "😀"));
  EXPECT_TRUE(matches("^[\\w-.]+$", "a-.b"));
  EXPECT_TRUE(matches("^[[:]+$", "[:"));
  EXPECT_TRUE(matches("^[\\b]$", "\b"));
  EXPECT_TRUE(matches("^[\\D\\d]$", "x"));
  EXPECT_TRUE(matches("^[a\\-z]$", "-"));
  EXPECT_FALSE(matches("^[a\\-z]$", "b"));
  EXPECT_TRUE(matches("^[^\\W_]+$", "Ab9"));
}

TEST(PatternTest, EscapesAreEcmas) {
  EXPECT_TRUE(matches("^\\cJ$", "\n"));
  EXPECT_TRUE(matches("^\\u0041\\x42\\u{43}$", "ABC"));
  EXPECT_TRUE(matches("^\\uD83D\\uDE00$", "😀"));
  EXPECT_TRUE(matches("^\\0$", std::string_view("\0", 1)));
  EXPECT_TRUE(matches("^\\/\\-\\.\\@$", "/-.@"));
  EXPECT_TRUE(matches("^\\p{Letter}\\p{Lu}\\P{L}$", "éÉ1"));
  EXPECT_TRUE(matches("^\\p{Script=Greek}+$", "αβγ"));
  EXPECT_TRUE(matches("^a{,2}$", "a{,2}"));
  EXPECT_TRUE(matches("^x{$", "x{"));
  EXPECT_TRUE(matches("^]}$", "]}"));
}

TEST(PatternTest, GroupsAndQuantifiers) {
  EXPECT_TRUE(matches("^(?<year>\\d{4})-(?:a|b)*?$", "2026-abab"));
  EXPECT_TRUE(matches("^(ab){2,}$", "ababab"));
  EXPECT_FALSE(matches("^(ab){2}$", "ababab"));
  EXPECT_TRUE(matches("^a+?b*?c??$", "aab"));
}

TEST(PatternTest, CountsAboveRe2sOwnLimitWork) {
  EXPECT_TRUE(matches("^.{0,2500}$", std::string(2500, 'x')));
  EXPECT_FALSE(matches("^.{0,2500}$", std::string(2501, 'x')));
  EXPECT_TRUE(matches("^a{1500}$", std::string(1500, 'a')));
  EXPECT_FALSE(matches("^a{1500}$", std::string(1499, 'a')));
  EXPECT_TRUE(matches("^a{1001,}$", std::string(5000, 'a')));
  EXPECT_FALSE(matches("^a{1001,}$", std::string(1000, 'a')));
  EXPECT_TRUE(matches("^a{10000}$", std::string(10000, 'a')));
  EXPECT_FALSE(Pattern::compile("^a{10001}$").ok());
}

TEST(PatternTest, WhatIsNoExpressionIsNamed) {
  const std::pair<const char*, const char*> cases[] = {
      {"(", "a group is not closed"},
      {")", "')' closes no group"},
      {"[a", "a class is not closed"},
      {"[z-a]", "a range in a class is out of order"},
      {"*a", "a quantifier follows nothing it could repeat"},
      {"a**", "a quantifier follows nothing it could repeat"},
      {"a{3,2}", "a count's bounds are out of order"},
      {"\\", "it ends in a backslash"},
      {"\\a", "'\\a' is no escape of ECMA-262"},
      {"^a\\Z", "'\\Z' is no escape of ECMA-262"},
      {"(?i)a", "'(?i' opens no group of ECMA-262"},
      {"(?P<n>a)", "'(?P' opens no group of ECMA-262"},
      {"\\u12", "'\\u' needs four hexadecimal digits"},
      {"\\p", "'\\p' needs a property's name in braces"},
  };
  for (const auto& [pattern, message] : cases) {
    const auto compiled = Pattern::compile(pattern);
    ASSERT_FALSE(compiled.ok()) << pattern;
    EXPECT_EQ(compiled.error().message(), message) << pattern;
    EXPECT_FALSE(translatePattern(pattern).error.empty());
  }
}

TEST(PatternTest, WhatRe2CannotRunIsStillAnExpression) {
  const std::pair<const char*, const char*> cases[] = {
      {"a(?=b)", "RE2 cannot run it: a lookahead"},
      {"a(?!b)", "RE2 cannot run it: a lookahead"},
      {"(?<=a)b", "RE2 cannot run it: a lookbehind"},
      {"(a)\\1", "RE2 cannot run it: a backreference"},
      {"(?<n>a)\\k<n>", "RE2 cannot run it: a backreference"},
      {"\\ud800", "RE2 cannot run it: a lone surrogate"},
      {"a{20000}", "RE2 cannot run it: a count above 10000"},
  };
  for (const auto& [pattern, message] : cases) {
    const auto compiled = Pattern::compile(pattern);
    ASSERT_FALSE(compiled.ok()) << pattern;
    EXPECT_EQ(compiled.error().message(), message);
    EXPECT_TRUE(translatePattern(pattern).error.empty()) << pattern;
  }
  EXPECT_FALSE(Pattern::compile("\\p{Emoji}").ok());
}

}  // namespace
}  // namespace tutti::json::schema
