// bench_line_responder: answers every line with the same frame and its id: what a pipe can carry at
// most.
#include <unistd.h>

#include <cstring>
#include <string>
#include <string_view>

namespace {

void answer(std::string_view line, std::string& out) {
  const auto at = line.find("\"id\":");
  if (at == line.npos) return;  // a notification
  const auto end = line.find_first_of(",}", at);
  out.append("{\"jsonrpc\":\"2.0\",\"id\":").append(line.substr(at + 5, end - at - 5));
  out.append(R"(,"result":{"content":[{"type":"text","text":"{\"text\":\"hello\"}"}]}})"
             "\n");
}

}  // namespace

int main() {
  std::string in;
  std::string out;
  char block[65536];
  for (;;) {
    const ssize_t size = ::read(0, block, sizeof block);
    if (size <= 0) return 0;
    in.append(block, static_cast<std::size_t>(size));
    std::size_t at = 0;
    for (std::size_t end = in.find('\n'); end != std::string::npos; end = in.find('\n', at)) {
      answer(std::string_view(in).substr(at, end - at), out);
      at = end + 1;
    }
    in.erase(0, at);
    for (std::size_t sent = 0; sent < out.size();) {
      const ssize_t written = ::write(1, out.data() + sent, out.size() - sent);
      if (written <= 0) return 1;
      sent += static_cast<std::size_t>(written);
    }
    out.clear();
  }
}
