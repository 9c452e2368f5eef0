// Any bytes as an upload form: its parts are the same however the bytes arrive, and what is handed
// on is never more than what came.
#include <cstddef>
#include <cstdint>

#include "server/rest/byte_range.hpp"
#include "server/rest/header_fields.hpp"
#include "server/rest/multipart.hpp"
#include "tests/fuzz/require.hpp"

namespace tutti::fuzz {
namespace {

class Notes : public rest::PartSink {
 public:
  Status partBegins(rest::PartHead head) override {
    require(!open, "a part begins after the last has ended");
    open = true;
    text += "<" + head.name + "|" + head.filename.value_or("") + "|" + head.content_type + ">";
    return ok();
  }
  Status partData(std::string_view data) override {
    require(open && !data.empty(), "content belongs to a part");
    bytes += data.size();
    text += data;
    return ok();
  }
  Status partEnds() override {
    require(open, "a part that ends has begun");
    open = false;
    text += "</>";
    return ok();
  }
  std::string text;
  std::size_t bytes = 0;
  bool open = false;
};

/// What was read, and whether it was whole.
std::string readIn(std::string_view input, std::size_t piece, bool& whole) {
  Notes notes;
  rest::MultipartReader reader("XX", notes);
  whole = true;
  for (std::size_t at = 0; at < input.size() && whole; at += piece)
    whole = reader.append(input.substr(at, piece)).ok();
  whole = whole && reader.finish().ok();
  require(notes.bytes <= input.size(), "no byte is made up");
  require(!whole || !notes.open, "a form that is whole has whole parts");
  return notes.text;
}

}  // namespace
}  // namespace tutti::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tutti;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  bool whole = false;
  bool again = false;
  const std::string at_once = fuzz::readIn(input, input.size() + 1, whole);
  for (const std::size_t piece : {1U, 7U, 64U}) {
    const std::string in_pieces = fuzz::readIn(input, piece, again);
    fuzz::require(whole == again, "a form is whole however it comes", input);
    fuzz::require(!whole || at_once == in_pieces, "its parts are the same", input);
  }
  for (const rest::ByteRange& range : rest::chooseRanges(input, 1000).ranges)
    fuzz::require(range.size > 0 && range.offset + range.size <= 1000, "ranges lie inside", input);
  const std::string field = rest::contentDisposition("attachment", input);
  for (const char c : field) fuzz::require(c >= 0x20 && c < 0x7f, "a header's line", field);
  fuzz::require(rest::parseParameterized(field).has_value(), "what is written can be read", field);
  return 0;
}
