// More tools for conversations that ask for them with "! more tools".
#pragma once

#include "tests/mcp/fixture.hpp"

namespace tutti::fixture {

/// One block of each kind.
inline void show(const std::shared_ptr<mcp::ToolCall>& call) {
  mcp::ResourceContents note;
  note.uri = "test://note";
  note.text = "hello";
  mcp::ToolOutput output{nullptr, "All kinds:"};
  output.content = {
      mcp::Content::ofImage("iVBO", "image/png"), mcp::Content::ofAudio("UklG", "audio/wav"),
      mcp::Content::ofLink({{"uri", "test://x"}, {"name", "x"}}), mcp::Content::ofResource(note)};
  call->finish(std::move(output));
}

inline void refuse(const std::shared_ptr<mcp::ToolCall>& call) {
  call->refuse(Error(Code::InvalidArgument, "not this one", "try another"));
}

inline void addMoreTools(mcp::Server& server) {
  const auto add = [&server](const char* name, mcp::ToolHandler handler) {
    mcp::Tool tool;
    tool.name = name;
    tool.description = "See fixture_more.hpp.";
    tool.input_schema = R"({"type":"object"})";
    const Status added = server.addTool(std::move(tool), std::move(handler));
    if (!added.ok()) throw std::runtime_error(added.error().text());
  };
  add("show", show);
  add("refuse", refuse);
}

}  // namespace tutti::fixture
