// Text: JSON strings, UTF-8, cutting, and names that look alike.
#include "server/base/text.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "server/base/plain_text.hpp"

namespace tutti {
namespace {
constexpr const char* kReplacement = "\xEF\xBF\xBD";

std::string asJson(std::string_view text) {
  std::string out;
  appendJsonString(out, text);
  return out;
}

const char* const kIllFormed[] = {
    "\x80",              // a continuation alone
    "\xC3",              // cut short
    "\xC0\x80",          // overlong
    "\xE0\x80\x80",      // overlong
    "\xED\xA0\x80",      // a surrogate
    "\xF0\x80\x80\x80",  // overlong
    "\xF4\x90\x80\x80",  // above U+10FFFF
    "\xF5\x80\x80\x80",  // no lead byte
    "\xFF",
};

TEST(TextTest, JsonStringsEscapeWhatJsonDemands) {
  EXPECT_EQ(asJson(""), "\"\"");
  EXPECT_EQ(asJson("a\"b\\c/d"), "\"a\\\"b\\\\c/d\"");
  EXPECT_EQ(asJson("\n\r\t"), "\"\\n\\r\\t\"");
  EXPECT_EQ(asJson("\x01\x1f\x7f"), "\"\\u0001\\u001f\x7f\"");
  EXPECT_EQ(asJson(std::string_view("\0", 1)), "\"\\u0000\"");
  EXPECT_EQ(asJson("é€😀"), "\"é€😀\"");
}

TEST(TextTest, JsonStringsAreAppended) {
  std::string out = "x:";
  appendJsonString(out, "a");
  EXPECT_EQ(out, "x:\"a\"");
}

TEST(TextTest, IllFormedBytesAreReplaced) {
  for (const std::string bytes : kIllFormed) {
    EXPECT_FALSE(isValidUtf8("a" + bytes + "b")) << asJson(bytes);
    const std::string fixed = toValidUtf8("a" + bytes + "b");
    EXPECT_TRUE(isValidUtf8(fixed));
    EXPECT_EQ(fixed.substr(0, 4), std::string("a") + kReplacement);
    EXPECT_EQ(fixed.back(), 'b');
    EXPECT_TRUE(isValidUtf8(asJson(bytes)));
  }
}

TEST(TextTest, ThePlainPrefixEndsAtTheFirstByteThatIsNotPlain) {
  const auto plain = [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
  };
  std::mt19937 random(20261121);  // the same texts in every run
  for (int i = 0; i < 100'000; ++i) {
    std::string text(random() % 40, 'a');
    for (auto changes = random() % 4; changes > 0 && !text.empty(); --changes)
      text[random() % text.size()] = static_cast<char>(random() % 256);
    const auto end = std::find_if_not(text.begin(), text.end(), plain);
    ASSERT_EQ(plainPrefix(text), static_cast<std::size_t>(end - text.begin())) << asJson(text);
  }
}

TEST(TextTest, WellFormedTextIsLeftAlone) {
  for (const char* good :
       {"", "a", "é", "€", "😀", "\xF4\x8F\xBF\xBF", "\xED\x9F\xBF", "\xEE\x80\x80"}) {
    EXPECT_TRUE(isValidUtf8(good));
    EXPECT_EQ(toValidUtf8(good), good);
  }
}

TEST(TextTest, CuttingKeepsCharactersWhole) {
  EXPECT_EQ(shortened("abc", 3), "abc");
  EXPECT_EQ(shortened("abcd", 3), "abc …");
  EXPECT_EQ(shortened("aé", 2), "a …");
  EXPECT_EQ(shortened("a😀b", 4), "a …");
  EXPECT_EQ(shortened("a😀b", 5), "a😀 …");
  EXPECT_EQ(shortened("ab", 0), " …");
}

TEST(TextTest, NearestNamesOfferWhatWasMeant) {
  const std::vector<std::string> known = {"repo-survey", "code-review", "planner", "echo"};
  EXPECT_EQ(nearestNames("repo-survy", known).front(), "repo-survey");
  EXPECT_EQ(nearestNames("PLANER", known).front(), "planner");
  EXPECT_EQ(nearestNames("review", known).front(), "code-review");
  EXPECT_TRUE(nearestNames("zzzzzzzzzzzzzzzz", known).empty());
  EXPECT_TRUE(nearestNames("a", {}).empty());
}

TEST(TextTest, NearestNamesAreFewAndBestFirst) {
  const std::vector<std::string> known = {"abcx", "abcd", "abxx", "abce", "abcdef"};
  const auto nearest = nearestNames("abcd", known, 2);
  ASSERT_EQ(nearest.size(), 2U);
  EXPECT_TRUE(nearestNames("abcd", known, 0).empty());
  EXPECT_LE(nearestNames(std::string(100'000, 'a'), known).size(), 3U);
}

TEST(TextTest, ListsAreJoinedForReading) {
  EXPECT_EQ(joined({}), "");
  EXPECT_EQ(joined({"a"}), "a");
  EXPECT_EQ(joined({"a", "b"}), "a and b");
  EXPECT_EQ(joined({"a", "b", "c"}), "a, b and c");
}

TEST(TextTest, PercentEscapesAreDecodedAndOtherPercentsStay) {
  EXPECT_EQ(percentDecoded("a%20b%2fc%C3%A9"), "a b/c\xC3\xA9");
  EXPECT_EQ(percentDecoded("100%, %4, %zz, %"), "100%, %4, %zz, %");
}

TEST(TextTest, PercentEncodingKeepsWhatIsUnreservedOrAskedFor) {
  EXPECT_EQ(percentEncoded("a-Z_0.~ /%\xC3"), "a-Z_0.~%20%2F%25%C3");
  EXPECT_EQ(percentEncoded("/a b/c", "/"), "/a%20b/c");
}

}  // namespace
}  // namespace tutti
