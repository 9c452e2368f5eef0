#include "server/mcp/content.hpp"

#include <gtest/gtest.h>

#include "server/mcp/client_features.hpp"

namespace tutti::mcp {
namespace {

Json shown(const Content& content, Revision revision) {
  std::string text;
  appendContent(text, content, revision);
  return Json::parse(text);
}

TEST(ContentTest, EveryKindHasItsOwnBlockInTheNewestRevision) {
  const Revision newest = Revision::k2026_07_28;
  EXPECT_EQ(shown(Content::ofText("a\"b"), newest), Json({{"type", "text"}, {"text", "a\"b"}}));
  EXPECT_EQ(shown(Content::ofImage("iVBO", "image/png"), newest),
            Json({{"type", "image"}, {"data", "iVBO"}, {"mimeType", "image/png"}}));
  EXPECT_EQ(shown(Content::ofAudio("UklG", "audio/wav"), newest),
            Json({{"type", "audio"}, {"data", "UklG"}, {"mimeType", "audio/wav"}}));
  ResourceContents note;
  note.uri = "test://note";
  note.mime_type = "text/plain";
  note.text = "hello";
  const Json contents{{"uri", "test://note"}, {"mimeType", "text/plain"}, {"text", "hello"}};
  EXPECT_EQ(shown(Content::ofResource(note), newest),
            Json({{"type", "resource"}, {"resource", contents}}));
  EXPECT_EQ(shown(Content::ofLink({{"uri", "test://x"}, {"name", "x"}}), newest),
            Json({{"type", "resource_link"}, {"uri", "test://x"}, {"name", "x"}}));
}

TEST(ContentTest, BinaryContentsAreABlobAndMetaIsKept) {
  ResourceContents picture;
  picture.uri = "test://p";
  picture.blob = "iVBO";
  picture.binary = true;
  picture.meta = Json{{"a", 1}};
  std::string text;
  appendContents(text, picture);
  EXPECT_EQ(Json::parse(text),
            Json({{"uri", "test://p"}, {"blob", "iVBO"}, {"_meta", Json{{"a", 1}}}}));
}

TEST(ContentTest, AnnotationsGoWithTheBlock) {
  Content text = Content::ofText("x");
  text.annotations = Json{{"priority", 1}};
  EXPECT_EQ(shown(text, Revision::k2025_11_25)["annotations"], (Json{{"priority", 1}}));
}

TEST(ContentTest, AKindThatARevisionLacksBecomesATextThatSaysWhatItIs) {
  const Json audio = shown(Content::ofAudio("UklG", "audio/wav"), Revision::k2024_11_05);
  EXPECT_EQ(audio["type"], "text");
  EXPECT_NE(audio["text"].get<std::string>().find("audio/wav"), std::string::npos);
  const Content link = Content::ofLink({{"uri", "test://x"}, {"name", "x"}, {"title", "The X"}});
  EXPECT_EQ(shown(link, Revision::k2025_03_26),
            Json({{"type", "text"}, {"text", "The X: test://x"}}));
  EXPECT_EQ(shown(link, Revision::k2025_06_18)["type"], "resource_link");
}

TEST(ClientFeaturesTest, DeclaredAsTheRevisionHasIt) {
  const Revision newest = Revision::k2026_07_28;
  const Json form_by_default{{"elicitation", Json::object()}};
  const Json url_only{{"elicitation", Json{{"url", Json::object()}}}};
  EXPECT_TRUE(declares(form_by_default, ClientFeature::ElicitForm, newest));
  EXPECT_FALSE(declares(form_by_default, ClientFeature::ElicitForm, Revision::k2025_03_26));
  EXPECT_FALSE(declares(form_by_default, ClientFeature::ElicitUrl, newest));
  EXPECT_FALSE(declares(url_only, ClientFeature::ElicitForm, newest));
  EXPECT_TRUE(declares(url_only, ClientFeature::ElicitUrl, newest));
  EXPECT_FALSE(declares(url_only, ClientFeature::ElicitUrl, Revision::k2025_06_18));
  EXPECT_TRUE(declares({{"sampling", Json::object()}}, ClientFeature::Sampling, newest));
  EXPECT_FALSE(declares({{"sampling", Json::object()}}, ClientFeature::SamplingTools, newest));
  EXPECT_FALSE(declares({{"sampling", true}}, ClientFeature::Sampling, newest));
  EXPECT_FALSE(declares(Json(), ClientFeature::Roots, newest));
}

TEST(ClientFeaturesTest, TheMissingOnesAreNamedAsTheObjectThatDeclaresThem) {
  EXPECT_EQ(capabilitiesFor({ClientFeature::Sampling}), R"({"sampling":{}})");
  EXPECT_EQ(capabilitiesFor({ClientFeature::Tasks, ClientFeature::ElicitUrl}),
            R"({"elicitation":{"url":{}},"extensions":{"io.modelcontextprotocol/tasks":{}}})");
}

}  // namespace
}  // namespace tutti::mcp
