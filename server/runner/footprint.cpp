#include "server/runner/footprint.hpp"

#include <link.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>

namespace tutti::runner {
namespace {

/// Only segments that are never written hold nothing but the file's content. RANDOM: a page that
/// comes back brings no neighbours with it.
int dropCode(dl_phdr_info* object, std::size_t, void*) {
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  for (int i = 0; i < object->dlpi_phnum; ++i) {
    const ElfW(Phdr)& part = object->dlpi_phdr[i];
    if (part.p_type != PT_LOAD || (part.p_flags & PF_W) != 0) continue;
    const std::uintptr_t start = (object->dlpi_addr + part.p_vaddr) & ~(page - 1);
    const std::uintptr_t end = object->dlpi_addr + part.p_vaddr + part.p_memsz;
    void* const address = reinterpret_cast<void*>(start);
    ::madvise(address, end - start, MADV_RANDOM);
    ::madvise(address, end - start, MADV_DONTNEED);
  }
  return 0;
}

}  // namespace

void shrinkFootprint() {
  ::malloc_trim(0);
  ::dl_iterate_phdr(dropCode, nullptr);
}

}  // namespace tutti::runner
