// schemas/blueprint.json and the shipped blueprints agree, and so do the schema and the reader.
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "server/agents/blueprint.hpp"
#include "server/base/embedded.hpp"
#include "server/json/schema/schema.hpp"
#include "tests/agents/blueprint_folder.hpp"

namespace tutti::agents {
namespace {

Json embeddedJson(std::string_view path) {
  for (const EmbeddedFile& file : embeddedFiles())
    if (file.path == path) return *json::parse(file.content);
  ADD_FAILURE() << path << " is not embedded";
  return Json();
}

class BlueprintSchemaTest : public testing::Test {
 protected:
  std::string misses(const Json& instance) const {
    return json::errorsText(schema_.validate(instance));
  }
  static json::Schema compiled() {
    auto schema = json::Schema::compile(embeddedJson("schemas/blueprint.json"));
    if (!schema.ok()) throw std::runtime_error(schema.error().text());
    return std::move(schema).value();
  }
  json::Schema schema_ = compiled();
};

TEST_F(BlueprintSchemaTest, EachShippedAgentPassesIt) {
  int checked = 0;
  for (const EmbeddedFile& file : embeddedFiles()) {
    if (!file.path.starts_with("blueprints/") || !file.path.ends_with("/agent.json")) continue;
    EXPECT_EQ(misses(*json::parse(file.content)), "") << file.path;
    ++checked;
  }
  EXPECT_EQ(checked, 5 + 14 + 14 + 30);
}

TEST_F(BlueprintSchemaTest, SchemaAndReaderRefuseTheSame) {
  const char* wrong[] = {
      R"({"description":"d"})",
      R"({"name":"a","description":""})",
      R"({"name":"-a","description":"d"})",
      R"({"name":"a","description":"d","permision_mode":"plan"})",
      R"({"name":"a","description":"d","permission_mode":"yolo"})",
      R"({"name":"a","description":"d","max_turns":0})",
      R"({"name":"a","description":"d","max_budget_usd":0})",
      R"({"name":"a","description":"d","timeout_s":2592001})",
      R"({"name":"a","description":"d","setting_sources":"user,home"})",
      R"({"name":"a","description":"d","setting_sources":["home"]})",
      R"({"name":"a","description":"d","env":["A=b"]})",
      R"({"name":"a","description":"d","tools":"Read"})",
      R"({"name":"a","description":"d","system_prompt_mode":"prefix"})",
      R"({"name":"a","description":"d","aliases":["-b"]})",
      R"({"name":"a","description":"d","examples":[""]})",
  };
  const BlueprintFolder folder;
  BlueprintCatalog::Options options;
  options.folders = {folder.root()};
  options.embedded = false;
  BlueprintCatalog catalog(options);
  for (const char* text : wrong) {
    EXPECT_NE(misses(*json::parse(text)), "") << text;
    folder.write("agents/a/agent.json", text);
    EXPECT_FALSE(catalog.find("a").ok()) << text;
  }
}

TEST_F(BlueprintSchemaTest, EveryMemberItDescribesIsOneThatIsRead) {
  const Json members = embeddedJson("schemas/blueprint.json")["properties"];
  for (const auto& [name, description] : members.items()) {
    EXPECT_TRUE(description.contains("description")) << name;
    if (name == "$schema" || name == "demands" || name == "hooks") continue;
    // No member takes this value, so one that is accepted was not looked at.
    const BlueprintFolder folder;
    Json agent = Json::object({{"name", "a"}, {"description", "d"}});
    agent[name] = Json::array({Json::object()});
    folder.write("agents/a/agent.json", json::dump(agent));
    BlueprintCatalog::Options options;
    options.folders = {folder.root()};
    options.embedded = false;
    const auto found = BlueprintCatalog(options).find("a");
    ASSERT_FALSE(found.ok()) << name;
    EXPECT_NE(found.error().message().find("'" + name + "'"), std::string::npos)
        << found.error().text();
  }
}

}  // namespace
}  // namespace tutti::agents
