// The skills of a server: their entries as bytes, and their folders.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/base/result.hpp"
#include "server/mcp/listed.hpp"
#include "server/mcp/resource.hpp"
#include "server/mcp/skill.hpp"

namespace tutti::mcp {

/// One skill with what is made of it at registration.
struct RegisteredSkill {
  std::string uri;
  std::string folder;               ///< the URI without "/SKILL.md"
  std::string entry;                ///< an object of skills/list
  std::vector<Resource> resources;  ///< its files, in the order given

  const std::string& key() const { return uri; }
  void append(std::string& to, Revision revision) const;
};

inline constexpr std::size_t kSkillFilesMax = 512;
inline constexpr std::size_t kSkillBytesMax = 16U * 1024 * 1024;

/// Errors: InvalidArgument naming the skill and what is wrong: a URI that does not end in the
/// skill's name and /SKILL.md, a bad name, no description, no SKILL.md, a path that leaves the
/// folder or is given twice, too many files or bytes.
Result<RegisteredSkill> makeSkill(const Skill& skill);

/// The direct children of a folder of one of the skills, as a JSON array: files, then folders.
/// Nothing when no skill has that folder.
std::optional<std::string> folderEntries(const Listed<RegisteredSkill>& skills,
                                         std::string_view uri, Revision revision);

}  // namespace tutti::mcp
