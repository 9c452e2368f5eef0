// The packs that travel in the program: complete, free of dangling names, and found by alias.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>

#include "server/agents/blueprint.hpp"
#include "server/agents/packs.hpp"
#include "server/agents/start_plan.hpp"
#include "server/base/embedded.hpp"
#include "tests/agents/blueprint_folder.hpp"

namespace tutti::agents {
namespace {

BlueprintCatalog::Options only(std::vector<std::string> packs) {
  BlueprintCatalog::Options options;
  options.embedded = false;
  options.packs = std::move(packs);
  return options;
}

std::string packProblems(BlueprintCatalog& catalog) {
  catalog.list();
  std::string text;
  for (const BlueprintProblem& problem : catalog.problems())
    text += problem.source + ": " + problem.message + "\n";
  return text;
}

/// Words of `text` that are written `@like-this`, which is how prompts name other agents.
std::set<std::string> agentsNamedIn(const std::string& text) {
  static const std::regex kName("@([a-zA-Z0-9][a-zA-Z0-9_-]*)");
  std::set<std::string> names;
  for (std::sregex_iterator at(text.begin(), text.end(), kName), end; at != end; ++at)
    names.insert((*at)[1]);
  return names;
}

class EachPackTest : public testing::TestWithParam<const char*> {
 protected:
  BlueprintCatalog catalog_{only({GetParam()})};
};

TEST_P(EachPackTest, LoadsWithoutAProblemAndSaysWhereEachIsFrom) {
  EXPECT_EQ(packProblems(catalog_), "");
  EXPECT_GE(catalog_.list().size(), 12U);
  for (const Blueprint& blueprint : catalog_.list()) {
    EXPECT_EQ(blueprint.pack, GetParam()) << blueprint.name;
    EXPECT_EQ(blueprint.source, std::string("embedded:blueprints/packs/") + GetParam() +
                                    "/agents/" + blueprint.name + "/agent.json");
  }
}

TEST_P(EachPackTest, EachBlueprintIsCompleteAndCanBePlanned) {
  for (const Blueprint& blueprint : catalog_.list()) {
    SCOPED_TRACE(blueprint.name);
    const auto lines =
        std::count(blueprint.system_prompt.begin(), blueprint.system_prompt.end(), '\n');
    EXPECT_GE(lines, 15);
    EXPECT_LE(lines, 60);
    EXPECT_NE(blueprint.system_prompt.find("Hand over"), std::string::npos);
    EXPECT_NE(blueprint.system_prompt.find("Refuse"), std::string::npos);
    EXPECT_GE(blueprint.description.size(), 80U);
    EXPECT_LE(blueprint.description.size(), 300U);
    EXPECT_NE(blueprint.description.find("Needs the claude program"), std::string::npos);
    EXPECT_GE(blueprint.tags.size(), 3U);
    EXPECT_FALSE(blueprint.tools.empty());
    const std::set<std::string> examples(blueprint.examples.begin(), blueprint.examples.end());
    EXPECT_EQ(examples.size(), blueprint.examples.size());
    EXPECT_GE(examples.size(), 8U);
    EXPECT_LE(examples.size(), 48U);
    const auto plan = catalog_.plan(blueprint.name);
    EXPECT_TRUE(plan.ok());
  }
}

TEST_P(EachPackTest, EachAgentAndSkillThatIsNamedIsThere) {
  std::size_t named = 0;
  for (const Blueprint& blueprint : catalog_.list()) {
    for (const std::string& name : agentsNamedIn(blueprint.system_prompt)) {
      ++named;
      EXPECT_TRUE(catalog_.find(name).ok()) << blueprint.name << " hands over to " << name;
    }
    for (const std::string& skill : blueprint.skills)
      EXPECT_NE(blueprint.system_prompt.find(skill), std::string::npos)
          << blueprint.name << " does not say how it does " << skill;
  }
  EXPECT_GE(named, 12U);
}

TEST_P(EachPackTest, EachCapabilityIsUsed) {
  std::set<std::string> used;
  for (const Blueprint& blueprint : catalog_.list())
    used.insert(blueprint.capabilities.begin(), blueprint.capabilities.end());
  const std::string folder = std::string("blueprints/packs/") + GetParam() + "/capabilities/";
  for (const EmbeddedFile& file : embeddedFiles()) {
    if (!file.path.starts_with(folder)) continue;
    const std::string_view rest = file.path.substr(folder.size());
    EXPECT_TRUE(used.contains(std::string(rest.substr(0, rest.find('/'))))) << file.path;
  }
}

TEST_P(EachPackTest, EachBlueprintSurvivesTheSnapshot) {
  for (const Blueprint& blueprint : catalog_.list()) {
    const auto again = blueprintFromJson(toJson(blueprint));
    ASSERT_TRUE(again.ok()) << again.error().text();
    EXPECT_EQ(again->examples, blueprint.examples);
    EXPECT_EQ(again->aliases, blueprint.aliases);
    EXPECT_EQ(again->pack, blueprint.pack);
  }
}

INSTANTIATE_TEST_SUITE_P(All, EachPackTest, testing::Values("amas", "nephio", "pantheros"),
                         [](const auto& pack) { return std::string(pack.param); });

TEST(PacksTest, ThreeAreShippedAndAllOfThemAreTested) {
  EXPECT_EQ(shippedPacks(), (std::vector<std::string>{"amas", "nephio", "pantheros"}));
}

TEST(PacksTest, TogetherTheyShareNoNameNoAliasAndNoExample) {
  BlueprintCatalog::Options options = only(shippedPacks());
  options.embedded = true;
  BlueprintCatalog catalog(options);
  EXPECT_EQ(packProblems(catalog), "");
  EXPECT_EQ(catalog.list().size(), 5U + 14 + 14 + 30);
  std::set<std::string> names, examples;
  for (const Blueprint& blueprint : catalog.list()) {
    EXPECT_TRUE(names.insert(blueprint.name).second) << blueprint.name;
    for (const std::string& alias : blueprint.aliases)
      EXPECT_TRUE(names.insert(alias).second) << alias;
    for (const std::string& example : blueprint.examples)
      EXPECT_TRUE(examples.insert(example).second) << example;
  }
}

/// The names that the three systems' own documents use, some of them without defining them.
TEST(PacksTest, EachNameOfTheOriginalsIsFound) {
  const struct {
    const char* pack;
    std::vector<const char*> names;
  } originals[] = {
      {"pantheros",
       {"hardware-discovery",
        "nixos-architect",
        "security-specialist",
        "dev-environment",
        "memory-architect",
        "deployment-orchestrator",
        "quality-assurance",
        "research-analyst",
        "documentation-specialist",
        "ai-integration",
        "ux-specialist",
        "observability-engineer",
        "documentation",
        "validation",
        "security",
        "testing",
        "module-generator",
        "hardware-discovery-agent",
        "ai-memory-architect",
        "nixos-security-agent",
        "observability-agent",
        "gap-analysis-agent",
        "skills-orchestrator",
        "research-swarm-coordinator",
        "hardware-scanner",
        "secrets-manager",
        "ai-memory-manager",
        "ai-memory-pod",
        "ai-memory-plugin",
        "spec-builder"}},
      {"nephio",
       {"orchestrator-agent", "infrastructure-agent", "nephio-infrastructure-agent",
        "dependency-doctor-agent", "configuration-management-agent", "network-functions-agent",
        "oran-network-functions-agent", "monitoring-agent", "monitoring-analytics-agent",
        "data-analytics-agent", "security-compliance-agent", "performance-optimization-agent",
        "testing-validation-agent", "ric-deployment-agent", "cu-du-config-agent",
        "slice-management-agent", "search-specialist"}},
      {"amas",
       {"academic_researcher",
        "web_intelligence_gatherer",
        "news_trends_analyzer",
        "competitive_intelligence",
        "social_media_monitor",
        "data_analyst",
        "statistical_modeler",
        "pattern_recognition_expert",
        "risk_assessment_specialist",
        "financial_performance_analyst",
        "graphics_diagram_designer",
        "content_writer_editor",
        "presentation_formatter",
        "media_video_producer",
        "infographic_creator",
        "code_reviewer_optimizer",
        "system_architect",
        "security_analyst",
        "performance_engineer",
        "devops_specialist",
        "digital_forensics_expert",
        "network_security_analyzer",
        "reverse_engineering_specialist",
        "case_investigation_manager",
        "evidence_compilation_expert",
        "fact_checker_validator",
        "output_quality_controller",
        "compliance_reviewer",
        "error_detection_specialist",
        "final_delivery_approver",
        "web_intel",
        "competitive_intel",
        "graphics",
        "financial",
        "forensics",
        "network_analyzer",
        "evidence_compiler",
        "case_investigator",
        "social_monitor",
        "pattern_recognizer",
        "content_writer",
        "architect",
        "code_reviewer",
        "perf_engineer",
        "quality_controller",
        "fact_checker"}},
  };
  for (const auto& [pack, names] : originals) {
    BlueprintCatalog catalog(only({pack}));
    for (const char* name : names) EXPECT_TRUE(catalog.find(name).ok()) << pack << ": " << name;
  }
}

TEST(PacksTest, UnknownPackIsANamedErrorWithTheKnownOnes) {
  EXPECT_TRUE(checkPacks({}).ok());
  EXPECT_TRUE(checkPacks({"nephio", "amas"}).ok());
  const Status checked = checkPacks({"amas", "nephi0"});
  ASSERT_FALSE(checked.ok());
  EXPECT_EQ(checked.error().code(), Code::InvalidArgument);
  EXPECT_EQ(checked.error().name(), "unknown_pack");
  EXPECT_EQ(checked.error().message(), "unknown pack 'nephi0'");
  EXPECT_EQ(checked.error().hint(), "the packs are amas, nephio and pantheros");
}

TEST(PacksTest, AgentOfAPackThatIsNotLoadedIsUnknownAndTheHintNamesThePack) {
  BlueprintCatalog catalog({});
  const auto found = catalog.find("slice-management-agent");
  ASSERT_FALSE(found.ok());
  EXPECT_EQ(found.error().name(), "unknown_blueprint");
  EXPECT_EQ(found.error().hint(), "start tutti with --pack nephio, or TUTTI_PACKS=nephio");
}

TEST(PacksTest, UsersFolderGoesBeforeAPack) {
  const BlueprintFolder folder;
  folder.agent("search-specialist", R"("model":"mine")");
  BlueprintCatalog::Options options = only({"nephio"});
  options.folders = {folder.root()};
  BlueprintCatalog catalog(options);
  EXPECT_EQ(catalog.find("search-specialist")->model, "mine");
  EXPECT_EQ(catalog.find("search-specialist")->pack, "");
}

TEST(AliasTest, FindsItsBlueprintUnderThatOnesOwnName) {
  const BlueprintFolder folder;
  folder.agent("long-name", R"("aliases":["short"])");
  BlueprintCatalog::Options options;
  options.folders = {folder.root()};
  BlueprintCatalog catalog(options);
  EXPECT_EQ(packProblems(catalog), "");
  EXPECT_EQ(catalog.find("short")->name, "long-name");
  EXPECT_EQ((*catalog.plan("short"))->blueprint.name, "long-name");
  EXPECT_EQ(catalog.find("shrot").error().hint(),
            "did you mean short? list_blueprints names the known ones");
  folder.write("agents/long-name/.disabled", "");
  EXPECT_EQ(catalog.find("short").error().name(), "blueprint_inactive");
}

TEST(AliasTest, GoesBehindANameOfAnySource) {
  const BlueprintFolder folder;
  folder.agent("mine", R"("aliases":["claude"])");
  BlueprintCatalog::Options options;
  options.folders = {folder.root()};
  BlueprintCatalog catalog(options);
  EXPECT_EQ(catalog.find("claude")->name, "claude");
}

TEST(AliasTest, ThatIsTakenIsReportedAndTheFirstKeepsIt) {
  const BlueprintFolder folder;
  folder.agent("a", R"("aliases":["x"])");
  folder.agent("b", R"("aliases":["x","a"])");
  BlueprintCatalog::Options options;
  options.folders = {folder.root()};
  options.embedded = false;
  BlueprintCatalog catalog(options);
  const std::string problems = packProblems(catalog);
  EXPECT_NE(problems.find("agents/b/agent.json: its alias 'x' is already taken by"),
            std::string::npos);
  EXPECT_NE(problems.find("its alias 'a' is already taken by"), std::string::npos) << problems;
  EXPECT_EQ(catalog.find("x")->name, "a");
  EXPECT_EQ(catalog.find("a")->name, "a");
}

TEST(AliasTest, ThatIsNoNameIsRefused) {
  const BlueprintFolder folder;
  folder.agent("a", R"("aliases":["has space"])");
  BlueprintCatalog::Options options;
  options.folders = {folder.root()};
  options.embedded = false;
  BlueprintCatalog catalog(options);
  const auto found = catalog.find("a");
  ASSERT_FALSE(found.ok());
  EXPECT_EQ(found.error().name(), "bad_blueprint");
  EXPECT_NE(found.error().message().find("has space"), std::string::npos);
}

}  // namespace
}  // namespace tutti::agents
