#include "server/mcp/capabilities.hpp"

#include <gtest/gtest.h>

#include "server/mcp/server_impl.hpp"
#include "server/mcp/tasks/memory_store.hpp"
#include "tests/mcp/fixture_offers.hpp"

namespace tutti::mcp {
namespace {

std::string declared(Server& server, Revision revision) {
  return capabilitiesJson(server.impl(), revision);
}

TEST(CapabilitiesTest, AServerWithNothingOffersLogsOnly) {
  Server server(fixture::options());
  EXPECT_EQ(declared(server, Revision::k2026_07_28), R"({"logging":{}})");
}

TEST(CapabilitiesTest, WhatIsRegisteredIsDeclaredAndNotTakenBack) {
  Server server(fixture::options());
  fixture::addOffers(server);
  const std::string all = R"({"logging":{},"completions":{},"prompts":{"listChanged":true},)"
                          R"("resources":{"subscribe":true,"listChanged":true}})";
  EXPECT_EQ(declared(server, Revision::k2026_07_28), all);
  EXPECT_EQ(declared(server, Revision::k2024_11_05).find("completions"), std::string::npos);
  server.removeResource("test://note");
  server.removeTemplate("test://item/{id}");
  server.removePrompt("greet");
  EXPECT_EQ(declared(server, Revision::k2026_07_28), all);
}

TEST(CapabilitiesTest, TasksAreAnExtensionNowAndWereACapabilityOnce) {
  ServerOptions options = fixture::options();
  options.task_store = std::make_shared<MemoryTaskStore>(MemoryTaskStore::Options{});
  Server server(std::move(options));
  const std::string once = R"("tasks":{"list":{},"cancel":{},"requests":{"tools":{"call":{}}}})";
  const std::string now = R"("extensions":{"io.modelcontextprotocol/tasks":{}})";
  const auto has = [&server](Revision revision, const std::string& text) {
    return declared(server, revision).find(text) != std::string::npos;
  };
  EXPECT_TRUE(has(Revision::k2026_07_28, now));
  EXPECT_FALSE(has(Revision::k2026_07_28, once));
  EXPECT_TRUE(has(Revision::k2025_11_25, once));
  EXPECT_FALSE(has(Revision::k2025_11_25, now));
  EXPECT_FALSE(has(Revision::k2025_06_18, "tasks"));
}

TEST(CapabilitiesTest, ExtensionsAreDeclaredToEveryRevision) {
  Server server(fixture::options());
  server.declareExtension("io.modelcontextprotocol/ui", R"({"x":1})");
  for (const Revision revision : {Revision::k2025_06_18, Revision::k2026_07_28})
    EXPECT_EQ(declared(server, revision),
              R"({"logging":{},"extensions":{"io.modelcontextprotocol/ui":{"x":1}}})");
}

}  // namespace
}  // namespace tutti::mcp
