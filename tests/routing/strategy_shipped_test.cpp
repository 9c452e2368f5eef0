// Where the shipped rules send requests: what the documents of the three packs' originals promise.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/routing/held_out.hpp"
#include "tests/routing/rules_support.hpp"

namespace tutti::routing {
namespace {
using testing::brief;
using testing::routed;
using testing::shippedRules;

struct Case {
  const char* request;
  const char* strategy;
};

Strategy routedWithAllThatIsLearnt(const std::string& text, const std::string& pack) {
  static std::map<std::string, Decider> deciders;
  auto known = deciders.find(pack);
  if (known == deciders.end())
    known = deciders.emplace(pack, testing::shippedDecider({pack})).first;
  RouteRequest request;
  request.request = text;
  const auto answer = known->second.decide(request);
  EXPECT_TRUE(answer.ok());
  return answer.ok() ? answer->decision->strategy : Strategy();
}

/// What `pack`'s rules say alone, and what is said with all that its agents have learnt: a
/// document's promise holds in both.
std::vector<Strategy> routedBothWays(const std::string& text, const std::string& pack) {
  return {routed(text, {pack}), routedWithAllThatIsLearnt(text, pack)};
}

void expectRoutes(const std::vector<Case>& cases, const std::string& pack) {
  for (const Case& one : cases)
    for (const Strategy& strategy : routedBothWays(one.request, pack))
      EXPECT_EQ(brief(strategy), one.strategy) << one.request;
}

TEST(ShippedRules, HaveNoProblemInAnyCombinationOfPacks) {
  const std::vector<std::string> packs = {"amas", "nephio", "pantheros"};
  for (unsigned chosen = 0; chosen < 8; ++chosen) {
    std::vector<std::string> loaded;
    for (unsigned i = 0; i < 3; ++i)
      if ((chosen >> i & 1U) != 0) loaded.push_back(packs[i]);
    EXPECT_GE(shippedRules(loaded).strategies().size(), 2U);
  }
}

TEST(PantherosRules, RouteTheThreeUsageExamples) {
  expectRoutes({{"Scan all hosts and create hardware profiles",
                 "multi_agent hardware-discovery-comprehensive"},
                {"Review security configuration for all hosts", "multi_agent security-review"},
                {"Research best practices for NixOS module development",
                 "research_swarm [nixos] [development]"}},
               "pantheros");
}

TEST(PantherosRules, FollowTheOrderOfDecisionsAndAddTheSecurityReview) {
  expectRoutes(
      {{"Scan hardware for vulnerabilities",
        "single_agent hardware-scanner hardware-discovery +security-review"},
       {"Scan the hardware of all hosts for vulnerabilities",
        "multi_agent hardware-discovery-comprehensive +security-review"},
       {"Research security hardening", "research_swarm [security] +security-review"},
       {"Research hardware support of NixOS on new laptops", "research_swarm [hardware] [nixos]"},
       {"What GPU does zephyrus have?", "single_agent hardware-scanner hardware-discovery"},
       {"Harden the firewall of the web server", "multi_agent security-review"},
       {"Restructure the whole flake so that all hosts share profiles",
        "multi_agent complex-configuration"}},
      "pantheros");
}

TEST(PantherosRules, RunSkillsThatAreNamedOrTriggered) {
  expectRoutes(
      {{"Run the hardware-scanner skill on yoga",
        "skill_execution hardware-scanner hardware-discovery"},
       {"Document the specifications of yoga",
        "skill_execution hardware-scanner hardware-discovery"},
       {"Show the system info", "skill_execution hardware-scanner hardware-discovery"},
       {"Deploy the current flake to hetzner-vps",
        "skill_execution deployment-orchestrator deployment-orchestrator"},
       {"Roll back zephyrus to the previous generation",
        "skill_execution deployment-orchestrator deployment-orchestrator"},
       {"Build and test the release",
        "skill_execution deployment-orchestrator deployment-orchestrator"},
       {"Generate a NixOS module for the backup service",
        "skill_execution module-generator nixos-architect"},
       {"Create a module template", "skill_execution module-generator nixos-architect"},
       {"Rotate the 1Password service account token",
        "skill_execution secrets-manager security-specialist"},
       {"Set up secrets with 1Password", "skill_execution secrets-manager security-specialist"},
       {"Set up authentication", "skill_execution secrets-manager security-specialist"},
       {"Back up the AI memory", "skill_execution ai-memory-manager memory-architect"},
       {"Knowledge management for our agents",
        "skill_execution ai-memory-manager memory-architect"},
       {"Update the memory pod", "skill_execution ai-memory-pod memory-architect"},
       {"Monitor the containers of the AI infrastructure",
        "skill_execution ai-memory-pod memory-architect"},
       {"Install the memory plugin", "skill_execution ai-memory-plugin memory-architect"},
       {"Configure and test the plugins", "skill_execution ai-memory-plugin memory-architect"},
       {"Migrate the old skills and index them",
        "skill_execution skills-orchestrator ai-integration"},
       {"Validate our skills", "skill_execution skills-orchestrator ai-integration"}},
      "pantheros");
}

/// A thing that many agents work on says nothing about who is meant: what was learnt decides.
TEST(ShippedRules, LeaveAThingWithoutAVerbToWhoFitsBest) {
  for (const char* request :
       {"Graph the temperature of my laptop over a week", "Allow only my laptop to reach port 22",
        "Provide a dev container for people who don't have Nix",
        "Put opencode and its plugins into the project's shell"})
    EXPECT_EQ(routed(request, {"pantheros"}).agent, "") << request;
  for (const char* request :
       {"cmake can't find protobuf when I build the xApp", "What may an untrusted xApp access?",
        "expose the metrics of the xApps"})
    EXPECT_EQ(routed(request, {"nephio"}).agent, "") << request;
}

TEST(AmasRules, RouteEachOfTheSevenPatterns) {
  const std::map<std::string, std::vector<std::string>> patterns = {
      {"market_research",
       {"Do market research on electric bikes", "Analyze market trends in solar energy",
        "What are the trends and opportunities in the coffee market? Research and analysis "
        "please"}},
      {"competitive_analysis",
       {"Research competitor pricing and create report",
        "Write a competitive analysis of our rivals", "How do our competitors position themselves?",
        "SWOT of us against the market leader"}},
      {"digital_investigation",
       {"Investigate the data breach of last night", "Run forensics on the compromised laptop",
        "Open a case and preserve the digital evidence"}},
      {"social_intelligence",
       {"Monitor social media for our brand", "Sentiment analysis of tweets about the launch",
        "Which influencers talk about us on Instagram?"}},
      {"system_analysis",
       {"Review the architecture of our payment system", "Do a technical audit of the platform",
        "Analyze the codebase for technical debt and performance"}},
      {"content_creation",
       {"Write a blog article about composting", "Create content for our newsletter",
        "Draft a whitepaper on remote work"}},
      {"presentation_creation",
       {"Make a pitch deck for investors", "Prepare slides for the board meeting",
        "Create an executive report on the quarter"}}};
  for (const auto& [workflow, requests] : patterns)
    for (const std::string& request : requests)
      for (const Strategy& strategy : routedBothWays(request, "amas"))
        EXPECT_EQ(strategy.workflow, workflow) << request << "\n" << toJson(strategy).dump(1);
}

TEST(AmasRules, TakeNoWordForAnotherThatItIsPartOf) {
  for (const char* request :
       {"Fix the component", "A showcase of socks", "The evidently cased casement"})
    EXPECT_EQ(routed(request, {"amas"}).type, StrategyType::Clarify) << request;
}

TEST(AmasRules, AddQualityGatesToWhatIsComplex) {
  const Strategy strategy =
      routed("Comprehensive, detailed market research on batteries", {"amas"});
  EXPECT_EQ(brief(strategy), "multi_agent market_research +fact-check +quality-control");
  const Strategy simple = routed("Quick market research on batteries", {"amas"});
  EXPECT_EQ(brief(simple), "multi_agent market_research");
}

/// A verb of the documents, and the agents whose verb it is there.
struct Verb {
  const char* agents;
  std::vector<std::string> requests;
};

TEST(NephioRules, RouteEveryVerbToAnAgentThatHasIt) {
  const std::vector<Verb> verbs = {
      {"orchestrator-agent",
       {"setup multi-cluster", "create package variants", "deploy network slice",
        "validate deployment", "rollback", "check status", "deploy global management",
        "deploy regional hubs", "create edge package variants", "deploy research stack",
        "backup current state", "rollback to last known good",
        "resume deployment from configuration"}},
      {"infrastructure-agent",
       {"create cluster", "install nephio", "install configsync", "setup networking",
        "setup storage", "setup baremetal", "Create a cluster for edge-03", "Install Nephio R5"}},
      {"infrastructure-agent configuration-management-agent", {"setup gitops"}},
      {"dependency-doctor-agent",
       {"check dependencies", "fix go modules", "install dependencies", "fix python",
        "fix kubernetes", "fix build", "verify", "no matches for kind \"PackageVariantSet\""}},
      {"configuration-management-agent",
       {"deploy package", "create variant", "configure yang", "setup network", "run pipeline",
        "check config"}},
      {"network-functions-agent ric-deployment-agent",
       {"deploy ric", "deploy xapp", "deploy rapp", "configure e2", "configure a1", "deploy smo"}},
      {"network-functions-agent cu-du-config-agent", {"deploy cu", "deploy du", "deploy du 3"}},
      {"network-functions-agent slice-management-agent", {"create slice"}},
      {"network-functions-agent", {"deploy ru", "check functions"}},
      {"monitoring-agent",
       {"setup monitoring", "deploy ves", "configure metrics", "setup kpis", "import dashboards",
        "setup tracing", "setup logging", "check monitoring"}},
      {"data-analytics-agent",
       {"setup kafka", "setup database", "setup flink", "deploy kpi calculator",
        "setup ml pipeline", "create dashboard", "query data", "check analytics"}},
      {"security-compliance-agent",
       {"check_wg11_compliance", "apply_wg11_policies", "check_smo_security",
        "secure_porch_packages", "enforce_fips_mode", "scan_all_containers",
        "apply_zero_trust_policies", "full_security_audit", "quick_security_fix"}},
      {"performance-optimization-agent",
       {"check_smo_performance", "check_porch_performance", "optimize_package_deployment",
        "create_optimized_packagevariantset", "optimize_ocloud_energy",
        "deploy_optimized_ai_models", "full_performance_check", "configure HPA"}},
      {"testing-validation-agent",
       {"test_e2_interface", "test_a1_interface", "test_o1_interface", "test_o2_interface",
        "test_smo_integration", "test_porch_packages", "test_package_variant_set", "run_load_test",
        "test_ai_ml_performance", "test_energy_efficiency", "run_go_coverage_tests",
        "run_chaos_tests", "run_complete_test_suite", "generate_test_report", "quick_validation"}},
      {"ric-deployment-agent",
       {"deploy ric platform", "setup smo", "install xapp", "setup e2", "diagnose the ric",
        "check health of the ric"}},
      {"cu-du-config-agent",
       {"setup f1", "configure e1", "setup fronthaul", "configure radio",
        "optimize performance of the du", "check status of all DUs", "diagnose the du"}},
      {"slice-management-agent",
       {"create template", "instantiate slice", "configure sla", "allocate resources",
        "allocate resources compute", "setup isolation", "enforce qos", "monitor slices",
        "activate slice", "deactivate slice", "scale slice", "modify slice", "terminate slice",
        "backup slice", "setup tenant"}},
      {"search-specialist", {"web research on Porch", "Search for known issues with Gitea"}}};
  for (const Verb& verb : verbs)
    for (const std::string& request : verb.requests)
      for (const Strategy& strategy : routedBothWays(request, "nephio")) {
        const bool fits = !strategy.agent.empty() &&
                          (" " + std::string(verb.agents) + " ").find(" " + strategy.agent + " ") !=
                              std::string::npos;
        EXPECT_TRUE(fits) << request << " -> " << brief(strategy) << ", not " << verb.agents;
      }
}

TEST(NephioRules, DeployEverythingWalksTheEightStagesInOrder) {
  const Strategy strategy = routed("deploy everything", {"nephio"});
  ASSERT_EQ(brief(strategy), "multi_agent deploy-everything");
  std::vector<std::string> stages;
  for (const WorkflowStep& step : strategy.steps) stages.push_back(step.agent);
  EXPECT_EQ(stages,
            (std::vector<std::string>{
                "orchestrator-agent", "infrastructure-agent", "dependency-doctor-agent",
                "configuration-management-agent", "network-functions-agent", "monitoring-agent",
                "data-analytics-agent", "security-compliance-agent", "testing-validation-agent"}));
  EXPECT_TRUE(strategy.rollback);
}

TEST(PantherosRules, WorkflowsHaveTheStepsOfTheirTemplatesWithAliasesResolved) {
  const Rules& rules = shippedRules({"pantheros"});
  const WorkflowRule* complex = rules.workflow("complex-configuration");
  ASSERT_NE(complex, nullptr);
  EXPECT_EQ(complex->steps,
            (std::vector<WorkflowStep>{{"nixos-architect", "design_solution"},
                                       {"nixos-architect", "create_modules"},
                                       {"quality-assurance", "run_tests"},
                                       {"quality-assurance", "validate_config"},
                                       {"documentation-specialist", "update_docs"}}));
  EXPECT_TRUE(complex->rollback);
  const WorkflowRule* swarm = rules.workflow("research-swarm");
  ASSERT_NE(swarm, nullptr);
  EXPECT_EQ(swarm->steps.size(), 4U);
  EXPECT_FALSE(swarm->rollback);
}

TEST(ShippedRules, OfAllPacksAtOnceDoNotLookAtEachOthersWork) {
  const std::vector<std::string> all = {"amas", "nephio", "pantheros"};
  EXPECT_EQ(brief(routed("Review security configuration for all hosts", all)),
            "multi_agent security-review");
  EXPECT_EQ(brief(routed("create cluster", all)), "single_agent infrastructure-agent");
  EXPECT_EQ(routed("Research competitor pricing and create report", all).workflow,
            "competitive_analysis");
}

TEST(ShippedRules, OverruleNoExampleOfAnAgent) {
  constexpr std::size_t kEach = 3;  // all of them take long where memory is checked
  for (const std::string pack : {"amas", "nephio", "pantheros"}) {
    agents::BlueprintCatalog catalog = testing::catalogOf({pack});
    for (const agents::Blueprint& blueprint : catalog.list()) {
      if (!blueprint.routable) continue;
      for (std::size_t i = 0; i < blueprint.examples.size(); i += kEach) {
        const std::string& example = blueprint.examples[i];
        const std::vector<std::string> agents = routedWithAllThatIsLearnt(example, pack).agents;
        EXPECT_NE(std::find(agents.begin(), agents.end(), blueprint.name), agents.end())
            << pack << ", " << blueprint.name << ": " << example;
      }
    }
  }
}

TEST(ShippedRules, DeclineWhatNobodyHereIsFor) {
  for (const char* request : {"How is the weather tomorrow?", "Tell me a joke about cats",
                              "Book a flight to Rome", "cancel my card", "verify my identity",
                              "Write a poem about security guards", "reset my pin code please"})
    EXPECT_EQ(brief(routed(request, {"amas", "nephio", "pantheros"})), "clarify") << request;
}

TEST(ShippedRules, ResearchWithoutAPackGoesToTheResearcher) {
  const Strategy strategy = routed("Research alternatives to Redis", {});
  ASSERT_EQ(strategy.type, StrategyType::ResearchSwarm);
  EXPECT_EQ(strategy.agents, std::vector<std::string>{"researcher"});
}

}  // namespace
}  // namespace tutti::routing
