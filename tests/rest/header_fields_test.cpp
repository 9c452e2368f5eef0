#include "server/rest/header_fields.hpp"

#include <gtest/gtest.h>

namespace tutti::rest {
namespace {

TEST(HeaderFieldsTest, PlainNamesStandInQuotes) {
  EXPECT_EQ(contentDisposition("attachment", "a.md"), "attachment; filename=\"a.md\"");
  EXPECT_EQ(contentDisposition("inline", "my file.md"), "inline; filename=\"my file.md\"");
  EXPECT_EQ(contentDisposition("inline", "a\"b\\c"), "inline; filename=\"a\\\"b\\\\c\"");
}

TEST(HeaderFieldsTest, OtherNamesComeTwiceTheExtendedFormFirst) {
  EXPECT_EQ(contentDisposition("attachment", "naïve €.md"),
            "attachment; filename*=UTF-8''na%C3%AFve%20%E2%82%AC.md; filename=\"na_ve _.md\"");
}

TEST(HeaderFieldsTest, NoNameEndsTheHeader) {
  const std::string field = contentDisposition("attachment", "a\r\nSet-Cookie: x=1\r\n\r\n\x80");
  EXPECT_EQ(field.find('\r'), std::string::npos);
  EXPECT_EQ(field.find('\n'), std::string::npos);
  for (const char c : field) EXPECT_TRUE(c >= 0x20 && c < 0x7f) << field;
}

TEST(HeaderFieldsTest, ParametersAreReadQuotedOrNot) {
  const auto field = parseParameterized("Form-Data ; Name=a b ;filename=\"x;\\\"y\\\".md\";");
  ASSERT_TRUE(field);
  EXPECT_EQ(field->value, "form-data");
  EXPECT_EQ(*field->parameter("name"), "a b");
  EXPECT_EQ(*field->parameter("filename"), "x;\"y\".md");
  EXPECT_EQ(field->parameter("other"), nullptr);
}

TEST(HeaderFieldsTest, IllFormedParametersAreNothing) {
  for (const char* field : {"a; b", "a; =c", "a; b=\"c", "a; b=\"c\"d"})
    EXPECT_FALSE(parseParameterized(field)) << field;
}

TEST(HeaderFieldsTest, CommasInQuotesDoNotSeparate) {
  const auto items = listItems(" \"a,b\" , ,W/\"c\",");
  ASSERT_EQ(items.size(), 2U);
  EXPECT_EQ(items[0], "\"a,b\"");
  EXPECT_EQ(items[1], "W/\"c\"");
}

}  // namespace
}  // namespace tutti::rest
