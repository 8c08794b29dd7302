"""Navigation, the cars' door: where is a plug that is free now, and how sure is that?

It promises that an answer is what the number line says (the same set as a search through
everything), that each status carries its age and quality, that nothing is called free on the word
of an operator who cannot be heard, and that a stream resumed by its cursor has missed no final
state. It never shows what is not published (LOC-065), removed (LOC-006), or of a suspended owner.

Its nouns. A *site* is an OCPI Location read for the map (`project`, checked by `gate`). The *index*
keeps sites as columns, found through a *grid*; an EVSE's *outfit* is its set of outlets. A *search*
answers *filters*. An *operator* has a link and a rhythm, from which *quality* tells how far its
word goes. The *feed* follows the line, *streams* tell clients, a *cursor* is a place on the line.
`view` gives the shapes, `query` reads what is asked, `door` is HTTP.

It refuses to guess (an unknown parameter is an error, an unknown state is null), to queue (a slow
client gets the latest state or is dropped), and to share (each process has an index of its own).
`feed`, `stream` and `door` act; all other files are pure: time comes in as an argument.
"""
