#include "server/mcp/tool_registry.hpp"

#include <gtest/gtest.h>

namespace tutti::mcp {
namespace {

Tool tool(const std::string& name) {
  Tool made;
  made.name = name;
  made.description = "d";
  made.input_schema = R"({"type":"object"})";
  return made;
}

std::string refusal(Tool given) {
  ToolRegistry registry(10);
  const Status status = registry.add(std::move(given), nullptr);
  return status.ok() ? "" : status.error().message();
}

TEST(ToolRegistryTest, NamesAreTakenAtTheirBoundAndRefusedBeyond) {
  EXPECT_EQ(refusal(tool("aZ0_.-")), "");
  EXPECT_EQ(refusal(tool(std::string(128, 'a'))), "");
  for (const std::string& name : {std::string(), std::string(129, 'a'), std::string("a/b"),
                                  std::string("a b"), std::string("é")})
    EXPECT_NE(refusal(tool(name)).find("a name has 1 to 128"), std::string::npos) << name;
}

TEST(ToolRegistryTest, BadSchemasAreRefusedByToolAndKind) {
  Tool broken = tool("t");
  broken.input_schema = "{";
  EXPECT_NE(refusal(broken).find("tool 't': input schema: not valid JSON"), std::string::npos);
  broken.input_schema = R"({"type":"array"})";
  EXPECT_EQ(refusal(broken), "tool 't': the input schema's root must have \"type\": \"object\"");
  broken.input_schema = "true";
  EXPECT_NE(refusal(broken), "");
  broken = tool("t");
  broken.output_schema = R"({"type":"nonsense"})";
  EXPECT_NE(refusal(broken).find("tool 't': output schema: "), std::string::npos);
}

TEST(ToolRegistryTest, AnInputSchemaThatDoesNotCompileIsServedWhereThatIsAllowed) {
  Tool passed_on = tool("t");
  passed_on.input_schema = R"({"type":"object","properties":{"a":{"type":"nonsense"}}})";
  EXPECT_NE(refusal(passed_on), "");
  passed_on.unchecked_input = true;
  ToolRegistry registry(10);
  ASSERT_TRUE(registry.add(passed_on, nullptr).ok());
  EXPECT_TRUE((*registry.find("t"))->input.validate(Json{{"a", 1}}).empty());
  EXPECT_NE(registry.page(Revision::k2025_11_25, "")->entries.find("nonsense"),
            std::string_view::npos);
  passed_on.name = "u";
  passed_on.input_schema = R"({"properties":{}})";
  EXPECT_FALSE(registry.add(passed_on, nullptr).ok());
}

TEST(ToolRegistryTest, NamesAreUnique) {
  ToolRegistry registry(10);
  ASSERT_TRUE(registry.add(tool("a"), nullptr).ok());
  const Status again = registry.add(tool("a"), nullptr);
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.error().message(), "tool 'a': the name is taken already");
}

TEST(ToolRegistryTest, SchemasAreServedByteForByteOnOneLine) {
  ToolRegistry registry(10);
  Tool odd = tool("odd");
  odd.input_schema =
      "{\n \"$schema\":\"https://json-schema.org/draft/2020-12/schema\",\r\n"
      " \"type\" : \"object\", \"$defs\":{\"a\":{\"$anchor\":\"x\"}}}";
  ASSERT_TRUE(registry.add(odd, nullptr).ok());
  const auto page = registry.page(Revision::k2026_07_28, "");
  ASSERT_TRUE(page);
  EXPECT_NE(page->entries.find("{  \"$schema\":\"https://json-schema.org/draft/2020-12/schema\",   "
                               "\"type\" : \"object\", \"$defs\":{\"a\":{\"$anchor\":\"x\"}}}"),
            std::string::npos)
      << page->entries;
  EXPECT_EQ(page->entries.find('\n'), std::string::npos);
}

TEST(ToolRegistryTest, PagesFollowEachOtherByCursor) {
  ToolRegistry registry(2);
  for (const char* name : {"e", "d", "c", "b", "a"})
    ASSERT_TRUE(registry.add(tool(name), nullptr).ok());
  std::string order;
  std::string cursor;
  for (int i = 0; i < 3; ++i) {
    const auto page = registry.page(Revision::k2025_11_25, cursor);
    ASSERT_TRUE(page);
    for (const Json& entry : Json::parse(page->entries)) order += entry["name"].get<std::string>();
    cursor = page->next_cursor;
  }
  EXPECT_EQ(order, "edcba") << "in the order of registration";
  EXPECT_EQ(cursor, "") << "the last page has no successor";
}

TEST(ToolRegistryTest, CursorsOfAnotherSetOfToolsAreRefused) {
  ToolRegistry one(1);
  ToolRegistry other(1);
  ASSERT_TRUE(one.add(tool("a"), nullptr).ok());
  ASSERT_TRUE(one.add(tool("b"), nullptr).ok());
  ASSERT_TRUE(other.add(tool("a"), nullptr).ok());
  ASSERT_TRUE(other.add(tool("c"), nullptr).ok());
  const std::string cursor = one.page(Revision::k2025_11_25, "")->next_cursor;
  EXPECT_TRUE(one.page(Revision::k2025_11_25, cursor));
  EXPECT_FALSE(other.page(Revision::k2025_11_25, cursor));
  for (const char* bad : {"x", "p", "p9-1", "p1", " "})
    EXPECT_FALSE(one.page(Revision::k2025_11_25, bad)) << bad;
}

TEST(ToolRegistryTest, OutputSchemasThatAreNoObjectsAreForModernClientsOnly) {
  ToolRegistry registry(10);
  Tool scalar = tool("scalar");
  scalar.output_schema = R"({"type":"integer"})";
  ASSERT_TRUE(registry.add(scalar, nullptr).ok());
  const auto listed = [&registry](Revision revision) {
    return registry.page(revision, "")->entries.find("outputSchema") != std::string_view::npos;
  };
  EXPECT_TRUE(listed(Revision::k2026_07_28));
  EXPECT_FALSE(listed(Revision::k2025_11_25));
}

TEST(ToolRegistryTest, RemovedToolsAreGoneFromTheListAndTheirNamesAreFree) {
  ToolRegistry registry(10);
  ASSERT_TRUE(registry.add(tool("a"), nullptr).ok());
  ASSERT_TRUE(registry.add(tool("b"), nullptr).ok());
  EXPECT_NE(registry.page(Revision::k2026_07_28, "")->entries.find("\"a\""), std::string::npos);
  const std::shared_ptr<const RegisteredTool> kept = *registry.find("a");
  EXPECT_TRUE(registry.remove("a"));
  EXPECT_FALSE(registry.remove("a"));
  EXPECT_EQ(registry.find("a"), nullptr);
  EXPECT_EQ(kept->tool.name, "a") << "whoever works on it keeps it";
  EXPECT_EQ(registry.page(Revision::k2026_07_28, "")->entries.find("\"a\""), std::string::npos);
  EXPECT_TRUE(registry.add(tool("a"), nullptr).ok());
  EXPECT_TRUE(registry.remove("a"));
  EXPECT_TRUE(registry.remove("b"));
  EXPECT_TRUE(registry.offered()) << "a capability that was declared is not taken back";
}

TEST(ToolRegistryTest, MetaIsServedToTheRevisionsThatHaveIt) {
  ToolRegistry registry(10);
  Tool marked = tool("a");
  marked.meta = "{\"anthropic/alwaysLoad\":\ntrue}";
  ASSERT_TRUE(registry.add(marked, nullptr).ok());
  const std::string expected = R"("_meta":{"anthropic/alwaysLoad": true})";
  const auto listed = [&registry](Revision revision) {
    return std::string(registry.page(revision, "")->entries);
  };
  EXPECT_NE(listed(Revision::k2026_07_28).find(expected), std::string::npos);
  EXPECT_NE(listed(Revision::k2025_06_18).find(expected), std::string::npos);
  EXPECT_EQ(listed(Revision::k2025_03_26).find("_meta"), std::string::npos);
  marked.name = "b";
  marked.meta = "[]";
  EXPECT_EQ(refusal(marked), "tool 'b': meta must be a JSON object");
}

TEST(ToolRegistryTest, TaskSupportIsShownToTheRevisionWhoseClientsDecideByIt) {
  ToolRegistry registry(10);
  Tool task = tool("a");
  task.task_support = TaskSupport::Required;
  ASSERT_TRUE(registry.add(task, nullptr).ok());
  const auto shows = [&registry](Revision revision) {
    return registry.page(revision, "")->entries.find(R"("execution":{"taskSupport":"required"})") !=
           std::string_view::npos;
  };
  EXPECT_TRUE(shows(Revision::k2025_11_25));
  EXPECT_FALSE(shows(Revision::k2026_07_28));
  EXPECT_FALSE(shows(Revision::k2025_06_18));
}

TEST(ToolRegistryTest, NoToolsIsAnEmptyList) {
  ToolRegistry registry(10);
  EXPECT_EQ(registry.page(Revision::k2024_11_05, "")->entries, "[]");
}

}  // namespace
}  // namespace tutti::mcp
