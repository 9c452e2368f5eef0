// The facade's parser: what it accepts, and each refusal by code, name and message.
#include <gtest/gtest.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "server/json/json.hpp"

namespace tutti::json {
namespace {

void expectRefused(const std::string& text, const std::string& message, ParseLimits limits = {}) {
  const auto result = parse(text, limits);
  ASSERT_FALSE(result.ok()) << text.substr(0, 80);
  EXPECT_EQ(result.error().code(), Code::InvalidArgument) << text.substr(0, 80);
  EXPECT_EQ(result.error().name(), "invalid_json");
  EXPECT_EQ(result.error().message(), message) << text.substr(0, 80);
}

Json parsed(const std::string& text) {
  auto result = parse(text);
  EXPECT_TRUE(result.ok()) << text << ": " << (result.ok() ? "" : result.error().message());
  return result.ok() ? std::move(result).value() : Json();
}

std::string nested(std::size_t depth) {
  return std::string(depth, '[') + "1" + std::string(depth, ']');
}

TEST(ParseTest, EveryKindOfValueArrivesAsNlohmannWouldReadIt) {
  for (const char* text :
       {"null", "true", "false", "0", "-7", "1.5", "1e3", "\"\"", "\"a\\u0041\\n\"", "[]", "{}",
        "[1,[2,{\"a\":[]}],\"x\"]", "{\"b\":1,\"a\":{\"c\":[null,true]},\"\":\"\"}",
        "\"\\ud83d\\ude00\"", " \t\r\n[ 1 , 2 ] \n", "{\"k\":{\"k\":{\"k\":1}}}"})
    EXPECT_EQ(parsed(text), Json::parse(text)) << text;
}

TEST(ParseTest, WholeNumbersKeepAll64Bits) {
  EXPECT_EQ(parsed("18446744073709551615").get<std::uint64_t>(), UINT64_MAX);
  EXPECT_EQ(parsed("9223372036854775807").get<std::int64_t>(), INT64_MAX);
  EXPECT_EQ(parsed("-9223372036854775808").get<std::int64_t>(), INT64_MIN);
  EXPECT_EQ(dump(parsed("[18446744073709551615,-9223372036854775808]")),
            "[18446744073709551615,-9223372036854775808]");
}

TEST(ParseTest, WholeNumbersBeyond64BitsBecomeDoubles) {
  EXPECT_TRUE(parsed("18446744073709551616").is_number_float());
  EXPECT_TRUE(parsed("-9223372036854775809").is_number_float());
}

TEST(ParseTest, SyntaxErrorsNameTheByteAndWhatStoodThere) {
  expectRefused("", "not valid JSON at byte 0: the text is empty");
  expectRefused("   ", "not valid JSON at byte 3: the text ends too early");
  expectRefused("{\"a\":1", "not valid JSON at byte 6: the text ends too early");
  expectRefused("[1,2", "not valid JSON at byte 4: the text ends too early");
  expectRefused("\"abc", "not valid JSON at byte 4: the text ends too early");
  expectRefused("{a:1}", "not valid JSON at byte 1: unexpected 'a'");
  expectRefused("[1,]", "not valid JSON at byte 3: unexpected ']'");
  expectRefused("{} x", "not valid JSON at byte 3: unexpected 'x'");
  expectRefused("[\x01]", "not valid JSON at byte 1: unexpected byte 0x01");
  for (const char* text : {"NaN", "Infinity", "01", "+1", ".5", "1.", "'a'", "// c\n1", "nul",
                           "{\"a\" 1}", "[1 2]", "]", "}", "{\"a\":}"})
    EXPECT_FALSE(parse(text).ok()) << text;
}

TEST(ParseTest, NulByteInsideTheTextIsNotItsEnd) {
  expectRefused(std::string("1\0 2", 4), "not valid JSON at byte 1: unexpected byte 0x00");
  EXPECT_FALSE(parse(std::string_view("{}\0", 3)).ok());
}

TEST(ParseTest, IllFormedUtf8IsRefused) {
  expectRefused("\"a\xFF\"", "not valid JSON at byte 2: ill-formed UTF-8");
  for (const char* bytes : {"\xC0\x80", "\xED\xA0\x80", "\xE0\x80\x80", "\xF4\x90\x80\x80", "\x80",
                            "\xC3", "\xF0\x9F\x98"}) {
    EXPECT_FALSE(parse("\"" + std::string(bytes) + "\"").ok());
    EXPECT_FALSE(parse("{\"" + std::string(bytes) + "\":1}").ok());
  }
}

TEST(ParseTest, LoneSurrogatesAreRefused) {
  expectRefused("\"\\ud800\"", "not valid JSON at byte 7: a lone surrogate");
  expectRefused("\"\\udc00\"", "not valid JSON at byte 6: a lone surrogate");
  expectRefused("\"\\ud800\\u0041\"", "not valid JSON at byte 12: a lone surrogate");
}

TEST(ParseTest, BadStringsAreRefused) {
  expectRefused("\"a\nb\"", "not valid JSON at byte 2: a control character in a string");
  expectRefused("\"\\x\"", "not valid JSON at byte 2: an unknown escape in a string");
  expectRefused("\"\\u12g4\"", "not valid JSON at byte 5: an unknown escape in a string");
}

TEST(ParseTest, NumberThatFitsNoDoubleIsRefused) {
  expectRefused("[1e999]", "not valid JSON at byte 5: a number does not fit a double");
}

TEST(ParseTest, KeyThatComesTwiceInOneObjectIsRefused) {
  expectRefused("{\"a\":1,\"b\":2,\"a\":3}",
                "not valid JSON at byte 15: key 'a' appears twice in one object");
  expectRefused("[{\"x\":{\"\\u0061\":1,\"a\":1}}]",
                "not valid JSON at byte 20: key 'a' appears twice in one object");
  EXPECT_TRUE(parse("[{\"a\":1},{\"a\":{\"a\":2}}]").ok());
}

TEST(ParseTest, NestingAtTheLimitPassesAndOneMoreIsRefused) {
  EXPECT_TRUE(parse(nested(128)).ok());
  const auto result = parse(nested(129));
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code(), Code::ResourceExhausted);
  EXPECT_EQ(result.error().name(), "json_too_deep");
  EXPECT_EQ(result.error().message(), "JSON nested deeper than 128 levels");
  EXPECT_EQ(result.error().hint(), "flatten it");
  EXPECT_TRUE(parse("{\"a\":[1]}", {.depth_max = 2}).ok());
  EXPECT_FALSE(parse("{\"a\":[[]]}", {.depth_max = 2}).ok());
  EXPECT_TRUE(parse("1", {.depth_max = 0}).ok());
  EXPECT_FALSE(parse("[]", {.depth_max = 0}).ok());
}

TEST(ParseTest, DepthCountsOpenContainersNotAllOfThem) {
  std::string wide = "[";
  for (int i = 0; i < 1000; ++i) wide += "[{}],";
  EXPECT_TRUE(parse(wide + "1]", {.depth_max = 3}).ok());
}

TEST(ParseTest, DepthBombsAreRefusedWithoutReadingThem) {
  EXPECT_EQ(parse(nested(10'000)).error().name(), "json_too_deep");
  const std::string brackets(10'000'000, '[');
  EXPECT_EQ(parse(brackets).error().name(), "json_too_deep");
  std::string objects;
  for (int i = 0; i < 100'000; ++i) objects += "{\"a\":";
  EXPECT_EQ(parse(objects).error().name(), "json_too_deep");
}

TEST(ParseTest, TextAtTheByteLimitPassesAndOneMoreIsRefused) {
  EXPECT_TRUE(parse("[1,2]", {.bytes_max = 5}).ok());
  const auto result = parse("[1,2] ", {.bytes_max = 5});
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code(), Code::ResourceExhausted);
  EXPECT_EQ(result.error().name(), "json_too_large");
  EXPECT_EQ(result.error().message(), "JSON text of 6 bytes is above the limit of 5");
}

TEST(DumpTest, KeysAreSortedOnOneLine) {
  EXPECT_EQ(dump(parsed("{\"b\": [1, 2.5, null], \"a\": \"\\u00e9\\n\"}")),
            "{\"a\":\"é\\n\",\"b\":[1,2.5,null]}");
}

TEST(DumpTest, IllFormedUtf8IsReplacedAndNeverThrows) {
  EXPECT_EQ(dump(Json(std::string("a\xFFz"))), "\"a\xEF\xBF\xBDz\"");
}

TEST(DumpTest, PrettyIndentsByTwo) {
  EXPECT_EQ(dumpPretty(parsed("{\"a\":[1]}")), "{\n  \"a\": [\n    1\n  ]\n}");
}

}  // namespace
}  // namespace tutti::json
