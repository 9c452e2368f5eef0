// The short way must never see a message where the long way sees none, or another one.
#include "server/rpc/fast_decode.hpp"

#include <gtest/gtest.h>

#include <random>

namespace tutti::rpc {
namespace {

const std::string kMeta =
    R"({"io.modelcontextprotocol/protocolVersion":"2026-07-28","a":{"b":[1]}})";

const std::vector<std::string> kUsual = {
    R"({"jsonrpc":"2.0","id":1,"method":"ping"})",
    R"({"jsonrpc":"2.0","id":"x-1","method":"tools/call","params":{"name":"echo","arguments":{"text":"h\"i"}}})",
    R"({"method":"m","params":{"_meta":)" + kMeta +
        R"(,"b":[1,2,{"c":null}],"n":-1.5e3},"jsonrpc":"2.0","id":-12})",
    " { \"jsonrpc\" : \"2.0\" , \"method\" : \"notifications/x\" , \"params\" : { } } ",
    R"({"jsonrpc":"2.0","id":2,"method":"m","params":{"a":{"t":true,"f":false,"n":null,"o":{},"l":[]},)"
    R"("i":[0,7,123456789012345678,1234567890123456789,-3,2.5],"s":["é","\u00e9","",{"x":[[]]}]}})",
    R"({"jsonrpc":"2.0","id":"t","method":"m","params":{"l":"a\nb\t\"\\\/\b\f\r","u":"é \u00e9\n",)"
    R"("w":["€😀\n","\ud83d\ude00","\"é\""]}})",
    R"({"jsonrpc":"2.0","id":123456789012345678,"method":"m","params":{"a":"","b":true}})",
};

bool usual(const std::string& text, Message& message) {
  MetaCache cache;
  return decodeUsual(text, {}, cache, message);
}

TEST(FastDecodeTest, TakesTheUsualShapes) {
  for (const std::string& text : kUsual) {
    Message message;
    EXPECT_TRUE(usual(text, message)) << text;
  }
}

TEST(FastDecodeTest, LeavesTheRestToTheLongWay) {
  for (const std::string text :
       {R"({"jsonrpc":"2.0","id":1,"method":"m","extra":1})", R"({"jsonrpc":"2.0","id":1})",
        R"({"jsonrpc":"2.0","id":01,"method":"m"})", R"({"jsonrpc":"2.0","id":1.0,"method":"m"})",
        R"({"jsonrpc":"2.0","id":1,"id":1,"method":"m"})",
        R"({"jsonrpc":"2.0","id":null,"method":"m"})",
        R"({"jsonrpc":"2.0","id":1,"method":"m","params":[]})",
        R"({"jsonrpc":"2.0","id":1,"method":"m","params":{"a":1,"a":1}})",
        R"({"jsonrpc":"2.0","id":1,"method":"m","params":{"_meta":{},"_meta":{}}})",
        R"({"jsonrpc":"2.0","id":1,"method":"m","params":{"_meta":1}})",
        R"({"jsonrpc":"2.0","id":1,"method":"m","params":{"a":}})",
        R"({"jsonrpc":"2.0","id":1,"method":"m","params":{"a":1]}})",
        R"({"jsonrpc":"2.0","id":1,"method":"m","params":{"a":"x}})",
        R"({"jsonrpc":"2.0","id":1,"method":"m"}x)", R"({"jsonrpc":"2.0","id":1,"method":"m",})",
        R"([{"jsonrpc":"2.0","id":1,"method":"m"}])", "", "{", "{\"jsonrpc\":\"2.0\""}) {
    Message message;
    EXPECT_FALSE(usual(text, message)) << text;
  }
}

TEST(FastDecodeTest, DepthIsBoundedAsOnTheLongWay) {
  const DecodeLimits limits{.depth_max = 4};
  for (int levels = 0; levels < 6; ++levels) {
    const std::string text = R"({"jsonrpc":"2.0","id":1,"method":"m","params":{"a":)" +
                             std::string(static_cast<std::size_t>(levels), '[') + "1" +
                             std::string(static_cast<std::size_t>(levels), ']') + "}}";
    MetaCache cache;
    Message message;
    EXPECT_EQ(decodeUsual(text, limits, cache, message), levels <= 2) << levels;
    EXPECT_EQ(json::parse(text, {.depth_max = 4}).ok(), levels <= 2) << levels;
  }
}

TEST(FastDecodeTest, EqualMetaIsSharedAndAnotherIsNot) {
  Decoder decoder;
  const auto meta = [&decoder](const std::string& text) {
    return decoder
        .decode(R"({"jsonrpc":"2.0","id":1,"method":"m","params":{"_meta":)" + text + R"(,"z":1}})")
        .items[0]
        .message.meta;
  };
  const auto first = meta(kMeta);
  ASSERT_NE(first, nullptr);
  EXPECT_EQ(meta(kMeta), first);
  const auto other = meta(R"({"a":1})");
  EXPECT_NE(other, first);
  EXPECT_EQ(*other, Json::parse(R"({"a":1})"));
  EXPECT_EQ(meta(R"({"a":1} )"), other) << "spaces behind it do not matter";
}

/// Equal in the kinds of numbers too, which operator== does not compare.
void expectSameKinds(const Json& wanted, const Json& found, const std::string& text) {
  ASSERT_EQ(wanted.type(), found.type()) << text;
  ASSERT_EQ(wanted.size(), found.size()) << text;
  for (auto a = wanted.begin(), b = found.begin(); wanted.is_structured() && a != wanted.end();
       ++a, ++b)
    expectSameKinds(*a, *b, text);
}

/// What the long way makes of it, by way of the tree alone.
void expectSame(const std::string& text, const Message& message) {
  const auto tree = json::parse(text);
  ASSERT_TRUE(tree.ok()) << "the short way took what is no JSON: " << text;
  EXPECT_EQ(tree->at("jsonrpc"), "2.0") << text;
  EXPECT_EQ(tree->at("method"), message.method) << text;
  EXPECT_EQ(tree->contains("id"), message.kind == Message::Kind::Request) << text;
  if (tree->contains("id")) {
    EXPECT_EQ(Json::parse(message.id), tree->at("id")) << text;
  }
  Json params = tree->value("params", Json());
  if (params.is_object() && params.contains("_meta")) {
    ASSERT_NE(message.meta, nullptr) << text;
    EXPECT_EQ(params["_meta"], *message.meta) << text;
    params.erase("_meta");
  }
  EXPECT_EQ(params, message.params) << text;
  expectSameKinds(params, message.params, text);
}

TEST(FastDecodeTest, TheUsualShapesReadAsOnTheLongWay) {
  for (const std::string& text : kUsual) {
    Message message;
    ASSERT_TRUE(usual(text, message)) << text;
    expectSame(text, message);
  }
}

TEST(FastDecodeTest, DeepParametersAreReadAllTheSame) {
  for (const std::size_t levels : {15U, 16U, 17U, 120U, 126U, 127U}) {
    const std::string text = R"({"jsonrpc":"2.0","id":1,"method":"m","params":{"a":)" +
                             std::string(levels, '[') + std::string(levels, ']') + "}}";
    Message message;
    ASSERT_EQ(usual(text, message), levels <= 126) << levels;
    if (levels <= 126) expectSame(text, message);
  }
}

TEST(FastDecodeTest, MutatedTextsAreTakenOnlyWhenTheLongWaySeesTheSame) {
  std::mt19937 random(20261120);  // the same texts in every run
  const std::string bytes = "{}[]\",:\\ 0123456789.-+eEtfn\n\x01\xC3\xA9_meta";
  MetaCache cache;
  int taken = 0;
  for (int i = 0; i < 200'000; ++i) {
    std::string text = kUsual[random() % kUsual.size()];
    for (auto changes = 1 + random() % 3; changes > 0; --changes) {
      const std::size_t at = random() % text.size();
      switch (random() % 3) {
        case 0:
          text[at] = bytes[random() % bytes.size()];
          break;
        case 1:
          text.erase(at, 1 + random() % 4);
          break;
        default:
          text.insert(at, 1, bytes[random() % bytes.size()]);
          break;
      }
      if (text.empty()) text = "{}";
    }
    Message message;
    if (!decodeUsual(text, {}, cache, message)) continue;
    ++taken;
    expectSame(text, message);
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(taken, 1000) << "the mutations must leave some texts valid";
}

}  // namespace
}  // namespace tutti::rpc
