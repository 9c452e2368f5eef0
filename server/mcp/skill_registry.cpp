#include "server/mcp/skill_registry.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "server/base/digest.hpp"
#include "server/mcp/json_members.hpp"
#include "server/mcp/offered.hpp"

namespace tutti::mcp {
namespace {

constexpr std::string_view kSkillFile = "SKILL.md";
constexpr std::size_t kNameBytesMax = 64;

Error badSkill(const Skill& skill, std::string_view what) {
  std::string message = "skill '";
  message.append(shortened(skill.uri, 200)).append("': ").append(what);
  return Error(Code::InvalidArgument, std::move(message)).named("invalid_skill");
}

/// Lower-case letters and digits, with single hyphens between them.
bool isSkillName(std::string_view name) {
  if (name.empty() || name.size() > kNameBytesMax) return false;
  char before = '-';
  for (const char c : name) {
    const bool alnum = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (!alnum && (c != '-' || before == '-')) return false;
    before = c;
  }
  return before != '-';
}

/// Segments that stand for themselves, without escapes, queries or ways up.
bool isPlainPath(std::string_view path) {
  if (path.empty() || path.size() > 1024) return false;
  while (true) {
    const auto slash = path.find('/');
    const std::string_view segment = path.substr(0, slash);
    if (segment.empty() || segment == "." || segment == "..") return false;
    const bool plain = std::all_of(segment.begin(), segment.end(), [](char c) {
      const bool alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
      return alnum || c == '-' || c == '_' || c == '.' || c == '~';
    });
    if (!plain) return false;
    if (slash == path.npos) return true;
    path.remove_prefix(slash + 1);
  }
}

std::string hexOf(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string hex;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    hex += kDigits[byte >> 4];
    hex += kDigits[byte & 15];
  }
  return hex;
}

/// The folder of "…/name/SKILL.md", or an empty text.
std::string folderOf(const std::string& uri, const std::string& name) {
  const std::string end = "/" + name + "/" + std::string(kSkillFile);
  if (uri.size() <= end.size() || uri.compare(uri.size() - end.size(), end.size(), end) != 0)
    return {};
  return uri.substr(0, uri.size() - kSkillFile.size() - 1);
}

/// What is wrong with the files, or nothing.
std::optional<Error> checkFiles(const Skill& skill) {
  if (skill.files.size() > kSkillFilesMax) return badSkill(skill, "it has more than 512 files");
  std::set<std::string_view> paths;
  std::size_t bytes = 0;
  for (const SkillFile& file : skill.files) {
    if (!isPlainPath(file.path) || !paths.insert(file.path).second)
      return badSkill(skill, "the path '" + shortened(file.path, 200) +
                                 "' is given twice, leaves the folder or needs escapes");
    bytes += file.bytes.size();
  }
  if (bytes > kSkillBytesMax) return badSkill(skill, "its files have more than 16 MiB");
  if (!paths.contains(kSkillFile)) return badSkill(skill, "it has no SKILL.md");
  return std::nullopt;
}

Resource resourceOf(const Skill& skill, const std::string& folder, const SkillFile& file) {
  Resource resource;
  resource.uri = folder + "/" + file.path;
  resource.name = file.path;
  resource.mime_type = file.mime_type;
  resource.size = static_cast<std::int64_t>(file.bytes.size());
  if (file.path != kSkillFile) return resource;
  resource.name = json::stringOr(skill.frontmatter, "name", "");
  resource.description = json::stringOr(skill.frontmatter, "description", "");
  resource.mime_type = "text/markdown";
  return resource;
}

void appendDigest(std::string& to, const std::string& uri, const std::string& bytes) {
  to += '{';
  appendTextMember(to, "uri", uri);
  appendTextMember(to, "digest", "sha256:" + hexOf(sha256(bytes)));
  appendJsonMember(to, "size", std::to_string(bytes.size()));
  to += '}';
}

}  // namespace

void RegisteredSkill::append(std::string& to, Revision /*revision*/) const {
  to += entry;
}

Result<RegisteredSkill> makeSkill(const Skill& skill) {
  const std::string name = json::stringOr(skill.frontmatter, "name", "");
  if (!isSkillName(name))
    return badSkill(skill, "its name has 1 to 64 of a-z 0-9, with single hyphens between them");
  if (json::stringOr(skill.frontmatter, "description", "").empty())
    return badSkill(skill, "it needs a description");
  RegisteredSkill made;
  made.uri = skill.uri;
  made.folder = folderOf(skill.uri, name);
  if (made.folder.empty()) return badSkill(skill, "its URI must end in /" + name + "/SKILL.md");
  if (auto bad = checkFiles(skill)) return std::move(*bad);

  made.entry = "{";
  appendTextMember(made.entry, "uri", skill.uri);
  appendJsonMember(made.entry, "frontmatter", json::dump(skill.frontmatter));
  made.entry += ",\"resources\":[";
  for (const SkillFile& file : skill.files) {
    made.resources.push_back(resourceOf(skill, made.folder, file));
    if (made.entry.back() != '[') made.entry += ',';
    appendDigest(made.entry, made.resources.back().uri, file.bytes);
  }
  made.entry += "]}";
  return made;
}

std::optional<std::string> folderEntries(const Listed<RegisteredSkill>& skills,
                                         std::string_view uri, Revision revision) {
  const std::string start = std::string(uri) + "/";
  std::string files;
  std::set<std::string> folders;
  for (const auto& skill : skills.all()) {
    const std::string root = skill->folder + "/";
    if (start.compare(0, root.size(), root) != 0) continue;
    for (const Resource& resource : skill->resources) {
      if (resource.uri.compare(0, start.size(), start) != 0) continue;
      const auto slash = resource.uri.find('/', start.size());
      if (slash != std::string::npos) {
        folders.insert(resource.uri.substr(start.size(), slash - start.size()));
        continue;
      }
      if (!files.empty()) files += ',';
      RegisteredResource{resource, nullptr}.append(files, revision);
    }
  }
  if (files.empty() && folders.empty()) return std::nullopt;
  for (const std::string& folder : folders) {
    files += files.empty() ? "{" : ",{";
    appendTextMember(files, "uri", start + folder);
    appendTextMember(files, "name", folder);
    appendTextMember(files, "mimeType", "inode/directory");
    files += '}';
  }
  return "[" + files + "]";
}

}  // namespace tutti::mcp
