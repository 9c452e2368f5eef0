// Skills: the how-tos of prompts/skills/, and each blueprint as one.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "server/agents/blueprint.hpp"
#include "server/base/result.hpp"
#include "server/mcp/server.hpp"
#include "tools/prompts.hpp"

namespace tutti::tools {

/// `files` are those below a folder of skills, each "<skill>/…". Errors: InvalidArgument
/// "bad_skill" naming the skill without a SKILL.md or with wrong front matter, and those of
/// addSkill().
Status addSkills(mcp::Server& server, const std::vector<TextFile>& files);

/// How to use an agent, as a skill: its description, how to start it, its schemas, its system
/// prompt. Nothing when no skill may have the blueprint's name.
std::optional<mcp::Skill> skillOf(const agents::Blueprint& blueprint);

/// Serves the active blueprints as skills, as their files are when a client asks for skills or
/// resources. A difference is told as a changed list of resources, and a skill that has changed as
/// an updated resource. Both parameters outlive it. Runs on the I/O thread only.
class BlueprintSkills {
 public:
  BlueprintSkills(mcp::Server& server, agents::BlueprintCatalog& catalog);
  ~BlueprintSkills();
  BlueprintSkills(const BlueprintSkills&) = delete;
  BlueprintSkills& operator=(const BlueprintSkills&) = delete;

 private:
  void refresh();
  std::map<std::string, mcp::Skill> wanted();

  mcp::Server& server_;
  agents::BlueprintCatalog& catalog_;
  std::uint64_t generation_ = 0;
  std::map<std::string, std::string> served_;  // all that is in a skill, by its URI
};

}  // namespace tutti::tools
