// The tools of a server: compiled once, listed from bytes.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "server/json/schema/schema.hpp"
#include "server/mcp/revision.hpp"
#include "server/mcp/tool.hpp"

namespace tutti::mcp {

/// One tool with what is made of its description at registration.
struct RegisteredTool {
  Tool tool;
  ToolHandler handler;
  json::Schema input;
  std::optional<json::Schema> output;
  bool output_is_object =
      false;  ///< else older revisions get neither schema nor structured content
};

/// One page of tools/list.
struct ToolPage {
  std::string_view tools;   ///< a JSON array
  std::string next_cursor;  ///< empty on the last page
};

/// Runs on the I/O thread. Add everything first: the pages are made at the first listing.
class ToolRegistry {
 public:
  explicit ToolRegistry(std::size_t page_max) : page_max_(page_max) {}

  /// Errors: see Server::addTool.
  Status add(Tool tool, ToolHandler handler);
  /// nullptr when unknown.
  const RegisteredTool* find(std::string_view name) const;
  /// Names that look like `name`, best first.
  std::vector<std::string> nearest(std::string_view name) const;

  /// The page that `cursor` names; the first one for an empty cursor. Nothing when no page has that
  /// cursor. In the order of registration, the bytes as each revision has them.
  std::optional<ToolPage> page(Revision revision, std::string_view cursor);

 private:
  struct NameHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view name) const {
      return std::hash<std::string_view>{}(name);
    }
  };
  using Pages = std::vector<std::string>;

  std::string cursorOf(std::size_t page) const;
  const Pages& pagesOf(Revision revision);

  const std::size_t page_max_;
  std::vector<std::unique_ptr<RegisteredTool>> tools_;
  std::unordered_map<std::string, RegisteredTool*, NameHash, std::equal_to<>> by_name_;
  std::array<Pages, kRevisionCount> pages_;
  std::string stamp_;  // of what is listed: a cursor from another set of tools is refused
};

}  // namespace tutti::mcp
