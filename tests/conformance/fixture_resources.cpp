// The suite's resources and the template.
#include "tests/conformance/fixture.hpp"

namespace tutti::conformance {
namespace {

using Read = std::shared_ptr<mcp::ResourceRead>;

mcp::ReadHandler answering(mcp::ResourceContents contents) {
  return [contents = std::move(contents)](const Read& read) {
    read->finish(mcp::ResourceOutput{{contents}});
  };
}

void addText(mcp::Server& server, const char* uri, const char* name, const char* text) {
  must(server.addResource({uri, name, "", "A text.", "text/plain"},
                          answering(textContents(uri, "text/plain", text))));
}

void readTemplate(const Read& read) {
  const std::string id = read->variables().at("id");
  const Json data = {{"id", id}, {"templateTest", true}, {"data", "Data for ID: " + id}};
  read->finish(
      mcp::ResourceOutput{{textContents(read->uri(), "application/json", json::dump(data))}});
}

}  // namespace

void addResources(mcp::Server& server) {
  addText(server, "test://static-text", "static-text",
          "This is the content of the static text resource.");
  mcp::ResourceContents picture;
  picture.uri = "test://static-binary";
  picture.mime_type = "image/png";
  picture.blob = kPng;
  picture.binary = true;
  must(server.addResource({picture.uri, "static-binary", "", "A picture.", "image/png"},
                          answering(picture)));
  addText(server, "test://watched-resource", "watched-resource", "Something to watch.");
  must(server.addTemplate(
      {"test://template/{id}/data", "template", "", "Data by its id.", "application/json"},
      readTemplate));
}

}  // namespace tutti::conformance
