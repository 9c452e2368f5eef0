#include "server/mcp/uri_template.hpp"

#include <gtest/gtest.h>

namespace tutti::mcp {
namespace {

using Variables = std::map<std::string, std::string>;

/// The variables as "a=1,b=2", or "no".
std::string matched(std::string_view text, std::string_view uri) {
  const auto compiled = UriTemplate::compile(text);
  if (!compiled.ok()) return compiled.error().message();
  const auto found = compiled->match(uri);
  if (!found) return "no";
  std::string all;
  for (const auto& [name, value] : *found) all.append(name).append("=").append(value).append(",");
  return all;
}

TEST(UriTemplateTest, VariablesTakeOneSegmentAndReservedOnesTakeAny) {
  EXPECT_EQ(matched("test://template/{id}/data", "test://template/123/data"), "id=123,");
  EXPECT_EQ(matched("test://template/{id}/data", "test://template/1/2/data"), "no");
  EXPECT_EQ(matched("test://template/{id}/data", "test://template//data"), "no");
  EXPECT_EQ(matched("test://template/{id}/data", "test://template/1/data/more"), "no");
  EXPECT_EQ(matched("file:///{+path}", "file:///a/b?c#d"), "path=a/b?c#d,");
  EXPECT_EQ(matched("a:{x}-{y}", "a:1-2-3"), "x=1,y=2-3,");
  EXPECT_EQ(matched("a:{+x}/b/{y}", "a:1/2/b/c"), "x=1/2,y=c,");
  EXPECT_EQ(matched("a:b", "a:b"), "");
  EXPECT_EQ(matched("a:b", "a:bc"), "no");
  EXPECT_EQ(matched("a:{x}", "b:1"), "no");
}

TEST(UriTemplateTest, EscapesAreDecodedAndWhatIsNoneStays) {
  EXPECT_EQ(matched("a:{x}", "a:%41%2f%zz%4"), "x=A/%zz%4,");
}

TEST(UriTemplateTest, QueriesComeInAnyOrderAndMayBeMissing) {
  const std::string_view text = "tutti://events/{id}{?from,limit}";
  EXPECT_EQ(matched(text, "tutti://events/7"), "id=7,");
  EXPECT_EQ(matched(text, "tutti://events/7?limit=2&from=a%20b"), "from=a b,id=7,limit=2,");
  EXPECT_EQ(matched(text, "tutti://events/7?other=2"), "no");
  EXPECT_EQ(matched(text, "tutti://events/7?from=1&from=2"), "no");
  EXPECT_EQ(matched(text, "tutti://events/7?from"), "no");
}

TEST(UriTemplateTest, WhatCannotBeMatchedIsRefused) {
  const auto refused = [](std::string_view text) { return !UriTemplate::compile(text).ok(); };
  for (const char* text : {"", "a:{x", "a:{x}{y}", "a:{}", "a:{#x}", "a:{x}/{x}", "a:{?x}/b",
                           "a:{?x,}", "a:{x*}", "a:{?x}{y}"})
    EXPECT_TRUE(refused(text)) << text;
  EXPECT_EQ(matched("a:{x*}", ""), "URI template 'a:{x*}': '{x*}' cannot be matched here");
}

TEST(UriTemplateTest, ManyVariablesMatchInLinearTime) {
  std::string text = "a:";
  for (int i = 0; i < 60; ++i) text += "{+v" + std::to_string(i) + "}/";
  EXPECT_EQ(matched(text + "end", "a:" + std::string(8000, '/')), "no");
}

}  // namespace
}  // namespace tutti::mcp
