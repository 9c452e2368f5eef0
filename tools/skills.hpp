// Skills: the how-tos of prompts/skills/, and each blueprint as one.
#pragma once

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

/// The active blueprints as skills, as they are now.
void addBlueprintSkills(mcp::Server& server, agents::BlueprintCatalog& catalog);

}  // namespace tutti::tools
