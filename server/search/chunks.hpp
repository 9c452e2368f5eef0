// A text cut into sections, along its own structure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "server/search/extract.hpp"

namespace tutti::search {

struct ChunkLimits {
  std::size_t chunk_bytes_min = 200;   ///< shorter sections are joined with the next
  std::size_t chunk_bytes_max = 1600;  ///< about 400 words' worth of an embedding
  std::size_t overlap_bytes = 160;     ///< repeated where a cut is not at a boundary of the text's
  std::size_t part_bytes_max = 256U * 1024;
};

/// One section: bytes of its part's text, and the same in characters of the document.
struct Chunk {
  std::size_t text_at = 0;
  std::size_t text_bytes = 0;
  std::size_t source_offset = 0;
  std::size_t source_limit = 0;
};

/// A stretch of a document of bounded size, whole chunks: what one search expression is held
/// against. All but large documents are one part.
struct Part {
  std::string text;
  std::string headings;  ///< titles in it, one a line
  std::vector<Chunk> chunks;
};

/// Sections end at headings, then between functions or paragraphs, then lines, then words, as near
/// below the limit as there is one; a text without any is cut between characters. Together they
/// cover the text. A text without words has no parts.
std::vector<Part> makeParts(const Extracted& extracted, const ChunkLimits& limits = {});

}  // namespace tutti::search
