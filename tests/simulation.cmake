# The simulation: the engine's sources compiled once more, with the seam's simulated backend
# (LANEWAY_MODEL=2), with assertions on and optimised whatever the preset says, and its threads taken
# over by the linker. Like a model it never links the library, and only its target builds it.
# ThreadSanitizer would see one thread and take its fibers for broken stacks.

if(threads_only)
  return()
endif()

file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/engine/*.cpp simulation/*.cpp)
foreach(room base time core journal)
  file(GLOB in_room CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/engine/${room}/*.cpp)
  list(APPEND sources ${in_room})
endforeach()
# The real backend, the real clock and the real disk, which the simulation has its own of.
list(FILTER sources EXCLUDE REGEX
  "engine/(base/atomic|time/steady_clock|journal/(posix|uring)_storage).cpp$")
add_executable(simulation EXCLUDE_FROM_ALL ${sources})
target_include_directories(simulation PRIVATE
  ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/include ${PROJECT_BINARY_DIR}/gen)
target_link_libraries(simulation PRIVATE laneway_warnings laneway_check Threads::Threads)
target_compile_definitions(simulation PRIVATE LANEWAY_MODEL=2 LANEWAY_STATIC_DEFINE)
target_compile_options(simulation PRIVATE -O2)
set_target_properties(simulation PROPERTIES CXX_EXTENSIONS OFF)
# A fiber must look alive to what the engine calls of the standard library, and nothing of this
# machine may be seen.
set(taken_over
  pthread_mutex_lock pthread_mutex_unlock pthread_once pthread_cond_clockwait sched_yield nanosleep
  mkdir statfs _ZNSt13random_device9_M_getvalEv _ZNSt6chrono3_V212system_clock3nowEv
  _ZNSt6thread15_M_start_threadESt10unique_ptrINS_6_StateESt14default_deleteIS1_EEPFvvE
  _ZNSt6thread4joinEv _ZNSt18condition_variable10notify_allEv _ZNSt6chrono3_V212steady_clock3nowEv)
list(TRANSFORM taken_over PREPEND "-Wl,--wrap=")
target_link_options(simulation PRIVATE ${taken_over})
cmake_language(EVAL CODE "cmake_language(DEFER CALL laneway_refuse_library simulation)")
