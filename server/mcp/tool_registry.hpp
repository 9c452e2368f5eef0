// The tools of a server: compiled once, listed from bytes.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/json/schema/schema.hpp"
#include "server/mcp/header_parameters.hpp"
#include "server/mcp/listed.hpp"
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
  std::vector<HeaderParameter> header_parameters = {};

  const std::string& key() const { return tool.name; }
  void append(std::string& to, Revision revision) const;
};

/// Runs on the I/O thread. In the order of registration; the pages of a revision are made at its
/// first listing after a change.
class ToolRegistry {
 public:
  explicit ToolRegistry(std::size_t page_max) : tools_(page_max) {}

  /// Errors: see Server::addTool.
  Status add(Tool tool, ToolHandler handler);
  /// False when there is none. Calls under way go on.
  bool remove(std::string_view name) { return tools_.remove(name); }
  /// nullptr when unknown; else good until the next change.
  const std::shared_ptr<const RegisteredTool>* find(std::string_view name) const {
    return tools_.find(name);
  }
  /// Names that look like `name`, best first.
  std::vector<std::string> nearest(std::string_view name) const { return tools_.nearest(name); }
  bool offered() const { return tools_.offered(); }
  /// Has any tool arguments that are repeated as headers?
  bool mirrorsArguments() const { return mirrors_arguments_; }

  /// See Listed::page().
  std::optional<Page> page(Revision revision, std::string_view cursor) {
    return tools_.page(revision, cursor);
  }

 private:
  Listed<RegisteredTool> tools_;
  bool mirrors_arguments_ = false;  // once there was one: looking is only a matter of speed
};

}  // namespace tutti::mcp
