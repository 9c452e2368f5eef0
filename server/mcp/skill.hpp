// What a skill is to the protocol layer (extension io.modelcontextprotocol/skills): a folder of
// files with instructions in its SKILL.md.
#pragma once

#include <nlohmann/json.hpp>  // Skill holds a value
#include <string>
#include <vector>

#include "server/json/json.hpp"

namespace tutti::mcp {

inline constexpr std::string_view kSkillsExtension = "io.modelcontextprotocol/skills";

struct SkillFile {
  std::string path;  ///< from the skill's folder on, as in "references/GUIDE.md"
  std::string mime_type;
  std::string bytes;
};

/// One entry of skills/list. Each file is a resource too.
struct Skill {
  std::string uri;   ///< of its SKILL.md, as in "skill://git-workflow/SKILL.md"
  Json frontmatter;  ///< what stands at the head of SKILL.md; name and description are required
  std::vector<SkillFile> files;  ///< SKILL.md among them
};

}  // namespace tutti::mcp
