#include "server/rpc/codec.hpp"

#include <gtest/gtest.h>

#include "server/rpc/scan.hpp"

namespace tutti::rpc {
namespace {

Item one(std::string_view text) {
  Decoded decoded = decode(text);
  EXPECT_FALSE(decoded.batch);
  EXPECT_EQ(decoded.items.size(), 1U);
  return std::move(decoded.items.front());
}

TEST(CodecTest, RequestKeepsIdMethodAndParams) {
  const Item item = one(R"({"jsonrpc":"2.0","id":"a\"b","method":"m","params":{"x":[1]}})");
  ASSERT_TRUE(item.valid);
  EXPECT_EQ(item.message.kind, Message::Kind::Request);
  EXPECT_EQ(item.message.id, R"("a\"b")");
  EXPECT_EQ(item.message.method, "m");
  EXPECT_EQ(item.message.params.at("x").at(0), 1);
}

TEST(CodecTest, WithoutIdItIsANotification) {
  const Item item = one(R"({"jsonrpc":"2.0","method":"m"})");
  ASSERT_TRUE(item.valid);
  EXPECT_EQ(item.message.kind, Message::Kind::Notification);
  EXPECT_TRUE(item.message.id.empty());
}

TEST(CodecTest, ResponsesCarryResultOrError) {
  const Item result = one(R"({"jsonrpc":"2.0","id":1,"result":{"a":1}})");
  ASSERT_TRUE(result.valid);
  EXPECT_EQ(result.message.kind, Message::Kind::Response);
  EXPECT_FALSE(result.message.answer_is_error);
  const Item error = one(R"({"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"m"}})");
  ASSERT_TRUE(error.valid);
  EXPECT_TRUE(error.message.answer_is_error);
}

TEST(CodecTest, IntegersOfAnyLengthKeepTheirDigits) {
  for (const std::string id : {"0", "-1", "9007199254740993", "18446744073709551615",
                               "-9223372036854775808", "340282366920938463463374607431768211456"}) {
    const Item item = one(R"({"jsonrpc":"2.0","method":"m","id":)" + id + "}");
    ASSERT_TRUE(item.valid) << id;
    EXPECT_EQ(item.message.id, id);
  }
}

TEST(CodecTest, FractionsAreRefusedAndEchoedAsWritten) {
  for (const std::string id : {"1.0", "1.50", "1e3", "-0.5E-7"}) {
    const Item item = one(R"({"jsonrpc":"2.0","id":)" + id + R"(,"method":"m"})");
    ASSERT_FALSE(item.valid) << id;
    EXPECT_EQ(item.refusal.error.code, kInvalidRequest);
    EXPECT_EQ(item.refusal.id, id);
  }
}

TEST(CodecTest, TenThousandLevelsAreRefusedByName) {
  const std::string deep(10'000, '[');
  const Item item = one(R"({"jsonrpc":"2.0","id":1,"method":"m","params":)" + deep);
  ASSERT_FALSE(item.valid);
  EXPECT_EQ(item.refusal.error.code, kParseError);
  EXPECT_NE(item.refusal.error.data.find("json_too_deep"), std::string::npos);
}

TEST(CodecTest, DepthIsTakenAtItsBoundAndRefusedAboveIt) {
  const DecodeLimits limits{.depth_max = 4};
  const auto nested = [](int levels) {
    return R"({"jsonrpc":"2.0","id":1,"method":"m","params":{"a":)" +
           std::string(static_cast<std::size_t>(levels), '[') +
           std::string(static_cast<std::size_t>(levels), ']') + "}}";
  };
  EXPECT_TRUE(decode(nested(2), limits).items.front().valid);
  EXPECT_FALSE(decode(nested(3), limits).items.front().valid);
}

TEST(CodecTest, IllFormedTextsAreParseErrorsWithoutId) {
  for (const std::string_view text :
       {"", "{", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xFF\"}", R"({"a":"\udc00"})",
        R"({"a":1,"a":2})", "{\"a\":01}", "nul", "{} {}"}) {
    const Item item = one(text);
    ASSERT_FALSE(item.valid) << text;
    EXPECT_EQ(item.refusal.error.code, kParseError) << text;
    EXPECT_TRUE(item.refusal.id.empty());
  }
}

TEST(CodecTest, ARefusedNotificationIsToldFromARefusedRequest) {
  const auto refused = [](std::string_view text) { return one(text).refusal; };
  EXPECT_TRUE(refused(R"({"jsonrpc":"2.0","method":"m","params":[]})").notification);
  EXPECT_TRUE(refused(R"({"method":"m"})").notification);
  EXPECT_FALSE(refused(R"({"jsonrpc":"2.0","id":1,"method":"m","params":[]})").notification);
  EXPECT_FALSE(refused(R"({"jsonrpc":"2.0","id":null,"method":"m"})").notification);
  EXPECT_FALSE(refused(R"({"jsonrpc":"2.0","method":7})").notification);
  EXPECT_FALSE(refused("{}").notification);
}

TEST(CodecTest, BatchesKeepOrderAndJudgeEachElement) {
  const Decoded decoded = decode(
      R"( [ {"jsonrpc":"2.0","id":12345678901234567890123,"method":"a,]}"} , 3 , {"jsonrpc":"2.0","method":"b"}] )");
  ASSERT_TRUE(decoded.batch);
  ASSERT_EQ(decoded.items.size(), 3U);
  EXPECT_EQ(decoded.items[0].message.id, "12345678901234567890123");
  EXPECT_EQ(decoded.items[0].message.method, "a,]}");
  EXPECT_FALSE(decoded.items[1].valid);
  EXPECT_EQ(decoded.items[2].message.kind, Message::Kind::Notification);
}

TEST(CodecTest, BatchMaxIsTakenAtItsBoundAndRefusedAboveItByName) {
  const DecodeLimits limits{.batch_max = 2};
  EXPECT_EQ(decode("[1,2]", limits).items.size(), 2U);
  const Decoded above = decode("[1,2,3]", limits);
  ASSERT_EQ(above.items.size(), 1U);
  EXPECT_TRUE(above.batch_refused);
  EXPECT_FALSE(decode("[1]", limits).batch_refused);
  EXPECT_NE(above.items[0].refusal.error.data.find("batch_max"), std::string::npos);
}

TEST(CodecTest, FramesLeaveOutWhatIsAbsent) {
  EXPECT_EQ(resultFrame("7", "{}"), R"({"jsonrpc":"2.0","id":7,"result":{}})");
  EXPECT_EQ(errorFrame({}, {-32700, "a\"b", {}}),
            R"({"jsonrpc":"2.0","error":{"code":-32700,"message":"a\"b"}})");
  EXPECT_EQ(errorFrame("\"x\"", {1, "m", "{\"k\":1}"}),
            R"({"jsonrpc":"2.0","id":"x","error":{"code":1,"message":"m","data":{"k":1}}})");
}

TEST(ScanTest, FindsTheLastMemberOfThatNameAtTheTopLevelOnly) {
  EXPECT_EQ(memberSpan(R"({"a":{"id":1},"s":"\"id\":2", "id" : 3 })", "id"), "3");
  EXPECT_EQ(memberSpan(R"({"a":1})", "id"), "");
  EXPECT_EQ(memberSpan(R"({"id":[1,{"b":"]"}],"c":0})", "id"), R"([1,{"b":"]"}])");
}

TEST(ScanTest, SplitsArraysAtTheirOwnCommas) {
  const auto spans = elementSpans(R"( [ {"a":[1,2]} ,"x,]", 3 ])");
  ASSERT_EQ(spans.size(), 3U);
  EXPECT_EQ(spans[0], R"({"a":[1,2]})");
  EXPECT_EQ(spans[1], "\"x,]\"");
  EXPECT_EQ(spans[2], "3");
  EXPECT_TRUE(elementSpans("[]").empty());
}

}  // namespace
}  // namespace tutti::rpc
