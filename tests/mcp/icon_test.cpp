#include "server/mcp/icon.hpp"

#include <gtest/gtest.h>

#include "server/base/log.hpp"
#include "tests/mcp/client.hpp"
#include "tests/mcp/http_fixture.hpp"

namespace tutti::mcp {
namespace {

std::string iconRefusal(Icon icon) {
  const Status status = check(std::vector<Icon>{{"https://a/ok.png"}, std::move(icon)});
  return status.ok() ? "" : status.error().message();
}

TEST(IconTest, SourcesThatAClientMayLoadAreTaken) {
  for (const char* good : {"https://example.org/a.png", "HTTPS://example.org/a.png",
                           "data:image/png;base64,AAAA", "data:image/svg+xml,%3Csvg/%3E"})
    EXPECT_EQ(iconRefusal({good}), "") << good;
  for (const std::string& bad :
       {std::string(), std::string("http://a/b.png"), std::string("javascript:alert(1)"),
        std::string("file:///etc/passwd"), std::string("data:text/html,x"),
        std::string("data:image/png"), std::string("https://"), std::string("https://a/ b"),
        std::string("https://a/\n"), "https://a/" + std::string(64U * 1024, 'a')})
    EXPECT_EQ(iconRefusal({bad}),
              "icon 2: src must be an https: URI, or a data: URI of an image, of at most 64 KiB")
        << bad.substr(0, 80);
}

TEST(IconTest, TypesAndSizesAreChecked) {
  EXPECT_EQ(iconRefusal({"https://a/b", "image/png", {"48x48", "96x96", "any"}}), "");
  for (const char* bad : {"png", "text/html", "image/", "image/a b"})
    EXPECT_EQ(iconRefusal({"https://a/b", bad}), "icon 2: mimeType must be image/…") << bad;
  for (const char* bad : {"", "48", "48x", "x48", "48X48", "0x1", "-1x1", "123456x1", "48x48x48"})
    EXPECT_EQ(iconRefusal({"https://a/b", "", {bad}}), "icon 2: a size is 48x48 or any") << bad;
  EXPECT_TRUE(check(std::vector<Icon>(16, {"https://a/b"})).ok());
  EXPECT_EQ(check(std::vector<Icon>(17, {"https://a/b"})).error().message(),
            "icon 17: one thing has at most 16");
}

const std::vector<Icon> kIcons = {
    {"https://a/b.png", "image/png", {"48x48", "any"}, IconTheme::Dark}, {"data:image/png,AA"}};
const Json kServed = Json::parse(
    R"([{"src":"https://a/b.png","mimeType":"image/png","sizes":["48x48","any"],"theme":"dark"},)"
    R"({"src":"data:image/png,AA"}])");

/// A server with icons wherever there can be some.
class ServedIconsTest : public testing::Test {
 protected:
  ServedIconsTest() : server_(withIcons()), client_(server_) {
    Tool tool = fixture::echoTool();
    tool.icons = kIcons;
    EXPECT_TRUE(server_.addTool(tool, fixture::echo).ok());
    Prompt prompt{"p"};
    prompt.icons = kIcons;
    EXPECT_TRUE(server_.addPrompt(prompt, nullptr).ok());
    Resource resource{"test://r", "r"};
    resource.icons = kIcons;
    EXPECT_TRUE(server_.addResource(resource, nullptr).ok());
    ResourceTemplate each{"test://{id}", "t"};
    each.icons = kIcons;
    EXPECT_TRUE(server_.addTemplate(each, nullptr).ok());
  }
  static ServerOptions withIcons() {
    ServerOptions options = fixture::options();
    options.icons = kIcons;
    return options;
  }
  Json list(const std::string& method, const std::string& of, const Json& message) {
    const Json frame = client_.ask(message);
    EXPECT_EQ(frame["result"][of].size(), 1U) << method << frame.dump();
    return frame["result"][of][0];
  }
  static const std::vector<std::pair<std::string, std::string>>& lists() {
    static const std::vector<std::pair<std::string, std::string>> all = {
        {"tools/list", "tools"},
        {"prompts/list", "prompts"},
        {"resources/list", "resources"},
        {"resources/templates/list", "resourceTemplates"}};
    return all;
  }

  Server server_;
  fixture::StreamClient client_;
};

TEST_F(ServedIconsTest, FromTheRevisionOnThatHasThem) {
  const Json hello = client_.ask(fixture::hello("2025-11-25"));
  EXPECT_EQ(hello["result"]["serverInfo"]["icons"], kServed);
  for (const auto& [method, of] : lists()) {
    EXPECT_EQ(list(method, of, fixture::request(method, method))["icons"], kServed) << method;
    EXPECT_EQ(list(method, of, fixture::modern(method, method))["icons"], kServed) << method;
  }
}

TEST_F(ServedIconsTest, AreLeftOutBefore) {
  for (const char* revision : {"2024-11-05", "2025-03-26", "2025-06-18"}) {
    const Json hello = client_.ask(fixture::hello(revision));
    EXPECT_FALSE(hello["result"]["serverInfo"].contains("icons")) << revision;
    for (const auto& [method, of] : lists())
      EXPECT_FALSE(list(method, of, fixture::request(method, method)).contains("icons")) << method;
  }
}

TEST_F(ServedIconsTest, OfTheServerAreShownWhereItIntroducesItselfAndNotInEveryResult) {
  constexpr const char* kInfo = "io.modelcontextprotocol/serverInfo";
  const Json discovered = client_.ask(fixture::modern(1, "server/discover"));
  EXPECT_EQ(discovered["result"]["_meta"][kInfo]["icons"], kServed);
  const Json listed = client_.ask(fixture::modern(2, "tools/list"));
  EXPECT_FALSE(listed["result"]["_meta"][kInfo].contains("icons"));
}

TEST_F(ServedIconsTest, WhatNoClientMayLoadIsRefusedWithItsOwner) {
  Tool tool = fixture::echoTool();
  tool.name = "other";
  tool.icons = {{"http://a/b"}};
  EXPECT_EQ(server_.addTool(tool, nullptr).error().message().rfind("tool 'other': icon 1: src", 0),
            0U);
  Prompt prompt{"other"};
  prompt.icons = {{"x"}};
  EXPECT_EQ(server_.addPrompt(prompt, nullptr).error().message().rfind("prompt 'other': icon 1", 0),
            0U);
  Resource resource{"test://other", "r"};
  resource.icons = {{"https://a/b", "text/html"}};
  EXPECT_EQ(server_.addResource(resource, nullptr).error().message(),
            "resource 'test://other': icon 1: mimeType must be image/…");
}

TEST(ServerIconsTest, BadOnesOfTheServerAreNotServed) {
  log::configure(log::Level::Off);
  ServerOptions options = fixture::options();
  options.icons = {{"javascript:alert(1)"}};
  Server server(std::move(options));
  fixture::StreamClient client(server);
  const Json hello = client.ask(fixture::hello("2025-11-25"));
  EXPECT_FALSE(hello["result"]["serverInfo"].contains("icons"));
}

}  // namespace
}  // namespace tutti::mcp
