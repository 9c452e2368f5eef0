#include "server/mcp/header_parameters.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace tutti::mcp {
namespace {

std::string refusal(const std::string& schema) {
  const auto found = headerParameters(Json::parse(schema));
  return found.ok() ? "" : found.error().message();
}

/// A tool with one marked argument `a`.
std::string wrong(const std::string& type, const std::string& arguments,
                  std::optional<std::string_view> header) {
  const auto found = headerParameters(Json::parse(
      R"({"type":"object","properties":{"a":{"x-mcp-header":"Aa","type":")" + type + "\"}}}"));
  const auto lookup = [header](std::string_view name) {
    return name == "mcp-param-aa" ? header : std::nullopt;
  };
  return headerMismatch(*found, Json::parse(arguments), lookup).value_or("");
}

TEST(HeaderParametersTest, MarksAreFoundThroughPropertiesAlone) {
  const auto found = headerParameters(Json::parse(
      R"({"type":"object","properties":{"a":{"type":"object","properties":)"
      R"({"b":{"type":"integer","x-mcp-header":"Tenant-Id"}}},"c":{"type":"string"}}})"));
  ASSERT_TRUE(found.ok());
  ASSERT_EQ(found->size(), 1U);
  EXPECT_EQ(found->front().path, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(found->front().header, "mcp-param-tenant-id");
  EXPECT_EQ(found->front().type, HeaderParameter::Type::Integer);
}

TEST(HeaderParametersTest, MarksThatNoClientCouldFollowAreRefused) {
  const auto property = [](const std::string& text) {
    return R"({"type":"object","properties":{"a":)" + text + "}}";
  };
  for (const std::string& schema : {
           property(R"({"type":"string","x-mcp-header":""})"),
           property(R"({"type":"string","x-mcp-header":"a b"})"),
           property(R"({"type":"string","x-mcp-header":7})"),
           property(R"({"type":"number","x-mcp-header":"A"})"),
           property(R"({"type":"object","x-mcp-header":"A"})"),
           property(R"({"x-mcp-header":"A"})"),
           property(R"({"type":"string","x-mcp-header":"A"},"b":{"type":"string",)"
                    R"("x-mcp-header":"a"})"),
           property(R"({"type":"array","items":{"type":"string","x-mcp-header":"A"}})"),
           property(R"({"oneOf":[{"type":"string","x-mcp-header":"A"}]})"),
           std::string(R"({"type":"object","$defs":{"x":{"type":"string","x-mcp-header":"A"}}})"),
           std::string(R"({"type":"object","x-mcp-header":"A"})"),
       })
    EXPECT_EQ(refusal(schema).rfind("x-mcp-header: ", 0), 0U) << schema;
  EXPECT_EQ(refusal(property(R"({"type":"boolean","x-mcp-header":"A"})")), "");
}

TEST(HeaderParametersTest, StringsAreComparedExactlyAndMayBeEncoded) {
  const std::string hello = R"({"a":"Hello"})";
  EXPECT_EQ(wrong("string", hello, "Hello"), "");
  EXPECT_EQ(wrong("string", hello, "=?base64?SGVsbG8=?="), "");
  EXPECT_EQ(wrong("string", hello, "hello"), "mcp-param-aa is not the argument 'a'");
  EXPECT_EQ(wrong("string", hello, std::nullopt), "mcp-param-aa is missing");
  EXPECT_EQ(wrong("string", R"({"a":""})",
                  "=?base64?"
                  "?="),
            "");
  EXPECT_EQ(wrong("string", R"({"a":"SGVsbG8="})", "SGVsbG8="), "");
  const std::string literal = R"({"a":"=?base64?SGVsbG8="})";
  EXPECT_EQ(wrong("string", literal, "=?base64?SGVsbG8="), "") << "no end, so no encoding";
}

TEST(HeaderParametersTest, IllFormedValuesAreRefused) {
  const std::string hello = R"({"a":"Hello"})";
  for (const char* bad :
       {"=?base64?SGVsbG8?=", "=?base64?SGVs!!!bG8=?=", "=?base64?SGVsbG9=?=", "=?base64?/w==?=",
        "=?base64?=?=", "=?base64?S===?=", "H\x01", "H\xC3\xA9"})
    EXPECT_EQ(wrong("string", hello, bad), "mcp-param-aa is not well-formed") << bad;
}

TEST(HeaderParametersTest, IntegersAreComparedAsNumbersAndBooleansAsWords) {
  EXPECT_EQ(wrong("integer", R"({"a":42})", "42"), "");
  EXPECT_EQ(wrong("integer", R"({"a":42})", "42.0"), "");
  EXPECT_EQ(wrong("integer", R"({"a":42.0})", "42"), "");
  EXPECT_EQ(wrong("integer", R"({"a":-7})", "-007"), "");
  EXPECT_EQ(wrong("integer", R"({"a":0})", "-0"), "");
  for (const char* bad : {"43", "42.5", "4.2e1", "0x2a", "+42", "", ".", "42."})
    EXPECT_NE(wrong("integer", R"({"a":42})", bad), "") << bad;
  EXPECT_EQ(wrong("boolean", R"({"a":true})", "true"), "");
  EXPECT_NE(wrong("boolean", R"({"a":true})", "True"), "");
  EXPECT_NE(wrong("boolean", R"({"a":false})", "0"), "");
}

TEST(HeaderParametersTest, WithoutAValueNoHeaderIsAskedFor) {
  EXPECT_EQ(wrong("string", "{}", std::nullopt), "");
  EXPECT_EQ(wrong("string", R"({"a":null})", std::nullopt), "");
  EXPECT_EQ(wrong("string", R"({"a":7})", std::nullopt), "") << "the schema refuses it";
}

}  // namespace
}  // namespace tutti::mcp
