# How our targets are made: one place for the standard, warnings, sanitizers.

# What every target of ours is compiled with. Nothing of it reaches users.
add_library(leasehold_build_flags INTERFACE)
target_compile_features(leasehold_build_flags INTERFACE cxx_std_20)
target_compile_options(leasehold_build_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor
  # Optimising g++ 12 takes the counting of CAF's pointers for use after free,
  # and moved variants for uninitialised ones.
  $<$<CXX_COMPILER_ID:GNU>:-Wno-use-after-free>
  $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>
  $<$<BOOL:${LEASEHOLD_WERROR}>:-Werror>)
if(LEASEHOLD_SANITIZE)
  target_compile_options(leasehold_build_flags INTERFACE
    -fsanitize=${LEASEHOLD_SANITIZE} -fno-omit-frame-pointer
    -fno-sanitize-recover=all)
  target_link_options(leasehold_build_flags INTERFACE
    -fsanitize=${LEASEHOLD_SANITIZE})
  # Asio's and CAF's fences; g++ says that it does not model them.
  if(LEASEHOLD_SANITIZE MATCHES "thread")
    target_compile_options(leasehold_build_flags INTERFACE
      $<$<CXX_COMPILER_ID:GNU>:-Wno-tsan>)
  endif()
endif()

if(PROJECT_IS_TOP_LEVEL)
  # Collecting garbage takes g++ a tenth of its time; memory is cheaper.
  target_compile_options(leasehold_build_flags INTERFACE
    $<$<CXX_COMPILER_ID:GNU>:--param=ggc-min-expand=1000>
    $<$<CXX_COMPILER_ID:GNU>:--param=ggc-min-heapsize=1000000>)
  # Links take a tenth of the time with it.
  find_program(LEASEHOLD_MOLD mold)
  if(LEASEHOLD_MOLD)
    target_link_options(leasehold_build_flags INTERFACE -fuse-ld=mold)
  endif()
endif()

function(_leasehold_setup target)
  target_link_libraries(${target} PRIVATE
    $<BUILD_INTERFACE:leasehold_build_flags>)
  target_include_directories(${target}
    PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>)
  set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF)
endfunction()

# Compiles several sources at a time: what they share is parsed and instantiated
# once, which is most of the work. Names in their unnamed namespaces must differ.
# A source that makes short names of its own for others (`namespace event = …`)
# is compiled by itself; `fs`, `asio` and `words` are the same in all of them.
function(_leasehold_in_batches target)
  if(NOT LEASEHOLD_BATCHES)
    return()
  endif()
  set_target_properties(${target} PROPERTIES
    UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 8)
  # A source in a batch is no header; g++ cannot know.
  target_compile_options(${target} PRIVATE
    $<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>)
  get_target_property(sources ${target} SOURCES)
  list(FILTER sources INCLUDE REGEX "\\.cpp$")
  foreach(source IN LISTS sources)
    file(STRINGS ${source} short
      REGEX "^(namespace [a-z]+ = |using (json|lines) = |using namespace [a-z:]*leasehold::)")
    list(FILTER short EXCLUDE REGEX
      "^(namespace (fs|asio) = |using namespace leasehold::test;)")
    if(short)
      set_source_files_properties(${source} PROPERTIES
        SKIP_UNITY_BUILD_INCLUSION ON)
    endif()
  endforeach()
endfunction()

# leasehold_library(NAME SOURCE...): a static library of one folder.
function(leasehold_library name)
  add_library(${name} STATIC ${ARGN})
  _leasehold_setup(${name})
  set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  _leasehold_in_batches(${name})
endfunction()

# leasehold_precompiles(TARGET HEADER): a target that makes a precompiled header
# of cmake/precompiled/HEADER.
function(leasehold_precompiles target header)
  if(LEASEHOLD_PRECOMPILE)
    target_precompile_headers(${target} PRIVATE
      "${PROJECT_SOURCE_DIR}/cmake/precompiled/${header}")
  endif()
endfunction()

# leasehold_precompiled_by(MAKER TARGET...): targets that use what MAKER makes.
function(leasehold_precompiled_by maker)
  if(LEASEHOLD_PRECOMPILE)
    foreach(target IN LISTS ARGN)
      target_precompile_headers(${target} REUSE_FROM ${maker})
    endforeach()
  endif()
endfunction()

# leasehold_mutable(SOURCE...): sources that ask for deliberate bugs; only they
# are compiled otherwise where bugs are to be had.
function(leasehold_mutable)
  if(LEASEHOLD_MUTATIONS)
    set_property(SOURCE ${ARGN} APPEND PROPERTY
      COMPILE_DEFINITIONS LEASEHOLD_MUTATIONS)
  endif()
endfunction()

# leasehold_program(NAME SOURCE...): a program; all of them end up in bin/.
function(leasehold_program name)
  add_executable(${name} ${ARGN})
  _leasehold_setup(${name})
  set_target_properties(${name} PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
endfunction()
